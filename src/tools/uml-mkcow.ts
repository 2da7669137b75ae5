/** uml_mkcow [-f] COW BACKING: makes a copy-on-write file for a backing file, as the C program of that name does. */
import { rawArguments } from '../cli/launch.js';
import { COW_NAME_MAX, cowLayout, encodeCowHeader, newCowHeader } from '../drivers/block/cow-format.js';
import { absoluteName, sizeOfFile, statFile } from '../drivers/block/ubd/host-file.js';
import { HOST_AT_FDCWD, type HostStat } from '../host/files.js';
import type { Name } from '../lib/names.js';
import { EEXIST, Errno } from '../uapi/errno.js';
import { NewFile } from './new-file.js';
import { complain, fail, Failure, files, orFail, print, runTool } from './tool.js';

const USAGE_STATUS = 2;
const MODE = 0o644;

function usage(): never {
  complain('uml_mkcow usage: ');
  complain('\tuml_mkcow [-f] <COW file> <backing file>');
  complain('\t-f forces overwrite of an existing COW file');
  throw new Failure(USAGE_STATUS);
}

function main(words: readonly Name[]): void {
  const force = words[0] === '-f';
  const [cow, backing, ...more] = force ? words.slice(1) : words;
  if (cow === undefined || backing === undefined || more.length > 0 || cow.startsWith('-')) usage();
  if (!force && files.stat(HOST_AT_FDCWD, cow, {} as HostStat) === 0) fail('open COW file', EEXIST);
  const header = headerFor(backing);
  const made = new NewFile(cow, 'open COW file', MODE);
  try {
    made.file.write(0, encodeCowHeader(header));
    // The last byte gives the file its length; all between is a hole.
    made.file.write(cowLayout(header).dataOffset + header.size - 1, new Uint8Array(1));
    made.finish();
  } catch (error) {
    made.abandon();
    fail('write_cow_header', error);
  }
}

function headerFor(backing: Name) {
  const name = absolute(backing);
  if (name.length > COW_NAME_MAX) {
    print(`Backing file name "${name}" is too long - names are limited to ${COW_NAME_MAX} characters`);
    complain('write_cow_header: File name too long');
    throw new Failure();
  }
  try {
    return newCowHeader(name, statFile(files, name).mtime, sizeOfFile(files, name));
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    // The words of the C program, and then what is really the matter.
    print(`write_cow_header - backing file '${name}' mtime request failed, err = 1`);
    complain('write_cow_header: Operation not permitted');
    return fail(`backing file '${name}'`, error);
  }
}

function absolute(backing: Name): Name {
  try {
    return absoluteName(files, backing);
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    print(`absolutize : Can't cd to '${backing}' - errno = ${error.number}`);
    complain('write_cow_header: Invalid argument');
    throw new Failure();
  }
}

await runTool(() => orFail('uml_mkcow', () => main(rawArguments())));
