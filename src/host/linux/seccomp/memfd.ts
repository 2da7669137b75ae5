/**
 * Files in memory: memfd_create(2). Hosts may forbid that such files be executed (sysctl vm.memfd_noexec); the stub is then
 * put into a temporary file instead.
 */
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close, fcntl, ftruncate, F_DUPFD_CLOEXEC, memfd_create, must, pwrite } from './libc.js';

const MFD_CLOEXEC = 1;
const MFD_NOEXEC_SEAL = 8;
const MFD_EXEC = 0x10;
const EINVAL = 22;

/** Our descriptors lie above those of a stub, so that giving them their numbers there cannot overwrite another. */
const FIRST_FD = 64;

/** The same file once more, under a descriptor that no stub uses. */
export function copyUp(fd: number): number {
  return must(fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD), 'fcntl');
}

/** The same file under a descriptor that no stub uses. */
export function moveUp(fd: number): number {
  const moved = copyUp(fd);
  close(fd);
  return moved;
}

/** memfd_create that says whether the file is a program. Linux before 6.3 does not know these flags. */
function memfd(name: string, flag: number): number {
  const fd = memfd_create(name, MFD_CLOEXEC | flag);
  return fd === -EINVAL ? memfd_create(name, MFD_CLOEXEC) : fd;
}

/** A new file of the given size for data. */
export function memoryFile(name: string, size: number): number {
  const fd = moveUp(must(memfd(name, MFD_NOEXEC_SEAL), 'memfd_create'));
  must(ftruncate(fd, size), 'ftruncate');
  return fd;
}

/** Calls `run` with the path of a file that holds the program and can be executed. */
export function withProgramFile(image: Uint8Array, run: (path: string) => number): number {
  const fd = memfd('linux-stub', MFD_EXEC);
  if (fd >= 0) {
    const high = moveUp(fd);
    pwrite(high, image, image.length, 0);
    const result = run(`/proc/self/fd/${high}`);
    close(high);
    if (result >= 0) return result;
  }
  const directory = mkdtempSync(join(tmpdir(), 'linux-stub-'));
  try {
    const path = join(directory, 'stub');
    closeSync(openSync(path, 'w', 0o700));
    writeFileSync(path, image);
    chmodSync(path, 0o700);
    return run(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
