/** File names on their way to the host: the bytes of a byte string with a NUL, in memory whose address is fixed. */
import { putName, type Name } from '../../lib/names.js';
import { pinned } from './ffi.js';

const PATH_MAX = 4096;

export class PathBuffer {
  private readonly memory = pinned(PATH_MAX + 1);

  /**
   * Puts a name in; returns the address to pass. Valid until the next `put`. Of a name that is too long enough is put in
   * for the host to say ENAMETOOLONG.
   */
  put(name: Name): number {
    const { bytes, address } = this.memory;
    const length = putName(name.length <= PATH_MAX ? name : name.slice(0, PATH_MAX), bytes, 0);
    bytes[length] = 0;
    return address;
  }
}
