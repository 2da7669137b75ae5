/**
 * Opening what a ubd device is made of: a plain file, or a copy-on-write file and its backing file, which must be as the
 * header of the former says. Messages are those of arch/um/drivers/ubd_kern.c, with advice after them.
 */
import { HOST_AT_FDCWD } from '../../../host/files.js';
import type { Kernel } from '../../../kernel/kernel.js';
import { text, type Name } from '../../../lib/names.js';
import { EINVAL, ENAMETOOLONG, ENOENT, Errno } from '../../../uapi/errno.js';
import { R_OK } from '../../../uapi/fcntl.js';
import {
  COW_HEADER_BYTES,
  COW_NAME_MAX,
  type CowHeader,
  type CowReading,
  cowLayout,
  encodeCowHeader,
  newCowHeader,
  readCowHeader,
} from '../cow-format.js';
import { CowStorage } from './cow-storage.js';
import { absoluteName, HostFile, sizeOfFile, statFile } from './host-file.js';
import { type Opened, openHostFile } from './open-file.js';
import type { UbdRequest } from './request.js';
import { PlainStorage, type Storage } from './storage.js';

export function readHeader(file: HostFile): CowReading {
  const bytes = new Uint8Array(COW_HEADER_BYTES);
  file.read(0, bytes);
  return readCowHeader(bytes);
}

/** Opens a device. Throws an Errno; the log says why. */
export function openStorage(kernel: Kernel, request: UbdRequest): Storage {
  const { file: path, backing } = request;
  try {
    const opened = openFirst(kernel, request);
    try {
      const header = request.noCow ? undefined : headerOf(kernel, request, opened.file);
      if (header === undefined) return new PlainStorage(opened.file, opened.writable);
      return openPair(kernel, request, opened, header);
    } catch (error) {
      opened.file.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof Errno) kernel.log.error(`Failed to open '${text(path)}', errno = ${error.number}`);
    if (error === ENOENT && backing === undefined)
      kernel.log.error(`ubd: there is no file '${text(path)}' on the host`);
    throw error;
  }
}

/** The file that is written to; made if it is to be a copy-on-write file and does not exist. */
function openFirst(kernel: Kernel, request: UbdRequest): Opened {
  const wish = { write: !request.readOnly, sync: request.sync, shared: request.shared };
  try {
    return openHostFile(kernel, request.file, wish);
  } catch (error) {
    if (error !== ENOENT || request.backing === undefined) throw error;
    return createCow(kernel, request, request.backing);
  }
}

function createCow(kernel: Kernel, request: UbdRequest, backing: Name): Opened {
  const { files } = kernel.host;
  const name = absoluteName(files, backing);
  checkName(kernel, name);
  const { mtime } = statFile(files, name);
  const header = newCowHeader(name, mtime, sizeOfFile(files, name));
  const wish = { write: true, sync: request.sync, shared: request.shared, create: true };
  const opened = openHostFile(kernel, request.file, wish);
  try {
    opened.file.write(0, encodeCowHeader(header));
    // The last byte, so that the file has its length: all between is a hole.
    opened.file.write(cowLayout(header).dataOffset + header.size - 1, new Uint8Array(1));
  } catch (error) {
    opened.file.close();
    files.unlink(HOST_AT_FDCWD, request.file, 0);
    throw error;
  }
  kernel.log.info(`Creating "${text(request.file)}" as COW file for "${text(backing)}"`);
  return opened;
}

function checkName({ log }: Kernel, name: Name): void {
  if (name.length <= COW_NAME_MAX) return;
  log.error(
    `Backing file name "${text(name)}" is too long - names are limited to ${COW_NAME_MAX} characters`,
  );
  throw ENAMETOOLONG;
}

/** The header, or undefined of a single file that is plain data. */
function headerOf({ log }: Kernel, request: UbdRequest, file: HostFile): CowHeader | undefined {
  const reading = readHeader(file);
  if (reading.kind === 'header') {
    if (reading.header.broken)
      log.error('read_cow_header - broken V3 file with 64-bit layout - recovering content.');
    return reading.header;
  }
  if (reading.kind === 'invalid') log.error('read_cow_header - invalid COW version');
  if (reading.kind === 'plain' && request.backing === undefined) return undefined;
  log.error(`Failed to read COW header from COW file "${text(request.file)}", errno = ${EINVAL.number}`);
  throw EINVAL;
}

function openPair(
  kernel: Kernel,
  request: UbdRequest,
  { file, writable }: Opened,
  header: CowHeader,
): Storage {
  const inHeader = backingName(kernel, request.file, header);
  let backing = inHeader;
  let current = header;
  const asked = request.backing;
  if (
    asked !== undefined &&
    differs(kernel, asked, inHeader, request.file) &&
    isAsHeader(kernel, asked, header)
  ) {
    kernel.log.error(`Switching backing file to '${text(asked)}'`);
    backing = absoluteName(kernel.host.files, asked);
    if (writable) current = switchBacking(kernel, file, header, backing);
  } else checkBacking(kernel, request.file, inHeader, header);
  const wish = { write: false, sync: false, shared: request.shared };
  const opened = openHostFile(kernel, backing, wish);
  try {
    return new CowStorage(file, opened.file, current, writable);
  } catch (error) {
    opened.file.close();
    throw error;
  }
}

/** The header's name. A relative one is relative to where the machine runs, or else to where the COW file is. */
export function backingName({ host: { files } }: Kernel, cow: Name, { backing }: CowHeader): Name {
  if (backing.startsWith('/') || files.access(HOST_AT_FDCWD, backing, R_OK) === 0) return backing;
  const slash = cow.lastIndexOf('/');
  const beside = `${cow.slice(0, slash + 1)}${backing}`;
  return slash >= 0 && files.access(HOST_AT_FDCWD, beside, R_OK) === 0 ? beside : backing;
}

/** Whether another file is asked for than the one in the header. */
function differs(kernel: Kernel, asked: Name, inHeader: Name, cow: Name): boolean {
  if (asked === inHeader) return false;
  const { files } = kernel.host;
  const stat = (path: Name): { readonly dev: number; readonly ino: number } | undefined => {
    try {
      return statFile(files, path);
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      kernel.log.error(`Couldn't stat '${text(path)}', err = ${error.number}`);
      return undefined;
    }
  };
  const wanted = stat(asked);
  if (wanted === undefined) return false;
  const old = stat(inHeader);
  if (old === undefined) return true;
  if (wanted.dev === old.dev && wanted.ino === old.ino) return false;
  kernel.log.error(
    `Backing file mismatch - "${text(asked)}" requested, "${text(inHeader)}" specified in COW header of "${text(cow)}"`,
  );
  return true;
}

const isAsHeader = (kernel: Kernel, path: Name, header: CowHeader): boolean => {
  try {
    return mismatch(kernel, path, header) === undefined;
  } catch (error) {
    if (error instanceof Errno) return false;
    throw error;
  }
};

/** What is wrong with a backing file, or undefined. */
function mismatch({ host: { files } }: Kernel, path: Name, { size, mtime }: CowHeader): string | undefined {
  const actual = sizeOfFile(files, path);
  if (actual !== size) return `Size mismatch (${size} vs ${actual}) of COW header vs backing file`;
  const modified = statFile(files, path).mtime >>> 0;
  if (modified !== mtime) return `mtime mismatch (${mtime} vs ${modified}) of COW header vs backing file`;
  return undefined;
}

function checkBacking(kernel: Kernel, cow: Name, path: Name, header: CowHeader): void {
  const wrong = mismatch(kernel, path, header);
  if (wrong === undefined) return;
  const { log } = kernel;
  log.error(wrong);
  log.error(
    `The backing file '${text(path)}' is not as it was when '${text(cow)}' was made, so the two do not belong together any more.`,
  );
  log.error(
    wrong.startsWith('mtime')
      ? `If its contents are the same (it was copied), set its time back: touch -d @${header.mtime} '${text(path)}'`
      : 'Give the right one after the comma: ubdN=COW,BACKING',
  );
  throw EINVAL;
}

/** The header gets another name. It becomes one of the third version only if it was one: the rest lies where it lies. */
function switchBacking(kernel: Kernel, file: HostFile, header: CowHeader, backing: Name): CowHeader {
  checkName(kernel, backing);
  if (header.version !== 3 || header.broken) {
    kernel.log.error(
      'ubd: the name stays in a COW file of an old format: give the backing file again next time',
    );
    return header;
  }
  const changed = { ...header, backing };
  file.write(0, encodeCowHeader(changed));
  return changed;
}
