/**
 * The one door to the host's C library. Other files under host/linux declare the calls they need with `call`, which gives a
 * function that returns the result, or the negated errno where the C function returned -1.
 */
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');

/** Declares a libc function by its C prototype, raw: its result is returned as it is. */
export function declare<F extends (...args: never[]) => unknown>(prototype: string): F {
  return libc.func(prototype) as unknown as F;
}

/** Declares a libc function that reports failure as -1 and errno: the result, or the negated errno. */
export function call<A extends unknown[]>(prototype: string): (...args: A) => number {
  const raw = libc.func(prototype) as unknown as (...args: A) => number;
  return (...args: A): number => {
    const result = raw(...args);
    return result === -1 ? -koffi.errno() : result;
  };
}

const mmap = libc.func(
  'void *mmap(intptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)',
) as unknown as (
  address: number,
  length: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => unknown;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/** Bytes that are mapped into this process: for JavaScript, and for the host. */
export interface Mapping {
  readonly buffer: ArrayBuffer;
  readonly address: number;
}

/** Maps a descriptor's bytes shared, readable and writable (at most 4 GiB). */
export function mapSharedAt(fd: number, length: number, offset: number): Mapping {
  const pointer = mmap(0, length, PROT_READ_WRITE, MAP_SHARED, fd, offset);
  const address = koffi.address(pointer as never);
  if (address === 0xffff_ffff_ffff_ffffn)
    throw new Error(`mmap of ${length} bytes failed: errno ${koffi.errno()}`);
  return { buffer: koffi.view(pointer as never, length), address: Number(address) };
}

/** Maps a descriptor's bytes shared, readable and writable, and gives them as an ArrayBuffer (at most 4 GiB). */
export function mapShared(fd: number, length: number, offset: number): ArrayBuffer {
  return mapSharedAt(fd, length, offset).buffer;
}

/** Memory that C calls fill or read, made once: its address is fixed, which is cheaper to pass than the array. */
export interface Pinned {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** For `intptr_t` parameters. Good for as long as this object is referred to. */
  readonly address: number;
}

export function pinned(size: number): Pinned {
  // An ArrayBuffer's memory lies outside the collected heap and never moves; a small typed array's own might.
  const buffer = new ArrayBuffer(size);
  return {
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    address: Number(koffi.address(buffer)),
  };
}
