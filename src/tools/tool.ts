/** What the tools for disk images share: words of the command line, complaints, the host's files. */
import { writeSync } from 'node:fs';
import { LinuxFiles } from '../host/linux/files.js';
import { HOST_AT_FDCWD } from '../host/files.js';
import { HostFile } from '../drivers/block/ubd/host-file.js';
import { nameToBytes, type Name } from '../lib/names.js';
import { Errno, errnoOf } from '../uapi/errno.js';

export const files = new LinuxFiles();

/** Ends the program: the message has been written. */
export class Failure {
  constructor(readonly status = 1) {}
}

/** `line` is bytes, as names are. */
export const complain = (line: Name): void => void writeSync(2, nameToBytes(`${line}\n`));
export const print = (line: Name): void => void writeSync(1, nameToBytes(`${line}\n`));

/** As perror(3), and the end. */
export function fail(what: Name, error: unknown): never {
  if (!(error instanceof Errno)) throw error;
  complain(`${what}: ${error.message}`);
  throw new Failure();
}

/** Opens, or ends the program with the reason. */
export function openOrFail(what: Name, path: Name, flags: number, mode = 0): HostFile {
  const fd = files.open(HOST_AT_FDCWD, path, flags, mode, 0);
  if (fd < 0) fail(what, errnoOf(-fd));
  return new HostFile(files, fd);
}

/** Runs an action whose Errno ends the program. */
export function orFail<T>(what: Name, action: () => T): T {
  try {
    return action();
  } catch (error) {
    return fail(what, error);
  }
}

/** Runs a tool to its end. */
export async function runTool(main: () => void | Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.exitCode = error.status;
  }
}
