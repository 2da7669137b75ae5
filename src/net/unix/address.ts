/** Addresses of unix sockets: unix(7). */
import { nameFromBytes, nameToBytes, type Name } from '../../lib/names.js';
import { EINVAL } from '../../uapi/errno.js';
import { AF_UNIX } from '../../uapi/socket.js';
import { sockaddr_un } from '../../uapi/un.js';
import { familyOf } from '../addresses.js';

const PATH_OFFSET = sockaddr_un.offset.sun_path;

/** Where a socket can be found: a path in the file system, or a name in the abstract name space (without its NUL). */
export interface UnixAddress {
  readonly kind: 'path' | 'abstract';
  readonly name: Name;
}

/** Only a family: of a socket without a name, and what asks bind(2) for one. */
const unnamed = new Uint8Array([AF_UNIX, 0]);

export const isUnnamed = (bytes: Uint8Array): boolean =>
  bytes.length === PATH_OFFSET && familyOf(bytes) === AF_UNIX;

/** EINVAL unless it is an address with a name. */
export function parseAddress(bytes: Uint8Array): UnixAddress {
  if (bytes.length <= PATH_OFFSET || bytes.length > sockaddr_un.size || familyOf(bytes) !== AF_UNIX)
    throw EINVAL;
  if (bytes[PATH_OFFSET] === 0) return { kind: 'abstract', name: nameFromBytes(bytes, PATH_OFFSET + 1) };
  const end = bytes.indexOf(0, PATH_OFFSET);
  return { kind: 'path', name: nameFromBytes(bytes, PATH_OFFSET, end < 0 ? bytes.length : end) };
}

/** As getsockname(2) gives it. A path comes with its NUL, even where that is beyond the structure. */
export function addressBytes(address: UnixAddress | undefined): Uint8Array {
  if (address === undefined) return unnamed;
  const text = address.kind === 'path' ? address.name + '\0' : '\0' + address.name;
  const bytes = new Uint8Array(PATH_OFFSET + text.length);
  bytes[0] = AF_UNIX;
  bytes.set(nameToBytes(text), PATH_OFFSET);
  return bytes;
}

/** As /proc/net/unix shows it. */
export const shownAddress = ({ kind, name }: UnixAddress): Name =>
  kind === 'path' ? name : '@' + name.replaceAll('\0', '@');
