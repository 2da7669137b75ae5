/**
 * uml_moo: merges a copy-on-write file with its backing file, into a new file or in place. The options, messages and exit
 * statuses are those of the C program of that name; options may come in any order.
 */
import { setImmediate } from 'node:timers/promises';
import { rawArguments } from '../cli/launch.js';
import { HostFile, absoluteName, sizeOfFile, statFile } from '../drivers/block/ubd/host-file.js';
import { HOST_AT_FDCWD } from '../host/files.js';
import { type Name, nameFromBytes, nameToBytes } from '../lib/names.js';
import { check } from '../uapi/errno.js';
import { O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from '../uapi/fcntl.js';
import { CowFile } from './cow-pair.js';
import { NewFile } from './new-file.js';
import { Progress } from './progress.js';
import { complain, Failure, files, openOrFail, orFail, runTool } from './tool.js';

const MODE = 0o644;
const CHUNK = 1 << 20;
/** What is written or left as a hole. */
const BLOCK = 4096;

const usageText = `uml_moo usage:
	uml_moo [ -b <actual backing file> ] <COW file> <new backing file>
	uml_moo [ -b <actual backing file> ] -d <COW file>
Creates a new filesystem image from the COW file and its backing file.
Specifying -d will cause a destructive, in-place merge of the COW file into
its current backing file
Specifying -b overrides the backing_file specified in the COW file.  This is
needed when dealing with a COW file that was created inside a chroot jail.
uml_moo supports version 1,2 and 3 COW files.`;

interface Options {
  readonly cow: Name;
  readonly backing: Name | undefined;
  /** undefined: in place. */
  readonly output: Name | undefined;
}

function usage(): never {
  complain(usageText);
  throw new Failure();
}

function parse(words: readonly Name[]): Options {
  let destructive = false;
  let backing: Name | undefined;
  const rest: Name[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index];
    if (word === '-d') destructive = true;
    else if (word === '-b') {
      backing = words[++index];
      if (backing === undefined) usage();
    } else if (word.startsWith('-') && word.length > 1) usage();
    else rest.push(word);
  }
  const [cow, output] = rest;
  if (rest.length !== (destructive ? 1 : 2)) usage();
  return { cow, backing, output };
}

async function main(words: readonly Name[]): Promise<void> {
  const { cow: path, backing: given, output } = parse(words);
  const cow = orFail('Reading COW header', () => new CowFile(path));
  const backing = given ?? cow.header.backing;
  const merge = output === undefined ? new MergeMark(path, backing) : undefined;
  checkBacking(cow, backing, merge?.isThere === true);
  if (output === undefined) await mergeInPlace(cow, backing, merge);
  else await mergeInto(cow, backing, output);
}

/** `begun`: an in-place merge was interrupted, which has changed the time already. */
function checkBacking({ header: { size, mtime } }: CowFile, backing: Name, begun: boolean): void {
  const actual = orFail('Stating backing file', () => sizeOfFile(files, backing));
  const modified = orFail('Stating backing file', () => statFile(files, backing).mtime >>> 0);
  const of = `of COW header vs backing file "${backing}"`;
  if (actual !== size) complain(`Size mismatch (${size} vs ${actual}) ${of}`);
  else if (modified !== mtime && !begun) complain(`mtime mismatch (${mtime} vs ${modified}) ${of}`);
  else return;
  throw new Failure();
}

/**
 * Beside the copy-on-write file while it is being merged in place: with it, a merge that was interrupted can be run again,
 * although the backing file is not as the header says any more. It names the backing file.
 */
class MergeMark {
  private readonly path: Name;
  private readonly backing: Name;
  readonly isThere: boolean;

  constructor(cow: Name, backing: Name) {
    this.path = `${cow}.merging`;
    this.backing = orFail('Stating backing file', () => absoluteName(files, backing));
    this.isThere = this.read() === this.backing;
  }

  private read(): Name | undefined {
    const fd = files.open(HOST_AT_FDCWD, this.path, O_RDONLY, 0, 0);
    if (fd < 0) return undefined;
    const bytes = new Uint8Array(CHUNK);
    const count = Math.max(0, files.read(fd, bytes));
    files.close(fd);
    return nameFromBytes(bytes, 0, count);
  }

  set(): void {
    const file = openOrFail(this.path, this.path, O_WRONLY | O_CREAT | O_TRUNC, MODE);
    file.write(0, nameToBytes(this.backing));
    file.sync();
    file.close();
  }

  remove(): void {
    files.unlink(HOST_AT_FDCWD, this.path, 0);
  }
}

/** Signals are heard between chunks. */
async function mergeInPlace(cow: CowFile, backing: Name, mark: MergeMark | undefined): Promise<void> {
  const file = openOrFail('Opening backing file', backing, O_WRONLY);
  mark?.set();
  const progress = new Progress(cow.changed);
  const buffer = new Uint8Array(CHUNK);
  let done = 0;
  for (const { start, end } of cow.stretches(0, cow.header.size))
    for (let at = start; at < end; at += CHUNK) {
      const part = buffer.subarray(0, Math.min(CHUNK, end - at));
      orFail('Merging', () => {
        cow.read({ start: at, end }, part);
        file.write(at, part);
      });
      progress.update((done += part.length));
      await setImmediate();
    }
  orFail('Merging', () => file.sync());
  mark?.remove();
  progress.end();
}

async function mergeInto(cow: CowFile, backing: Name, output: Name): Promise<void> {
  const source = openOrFail('Opening backing file', backing, O_RDONLY);
  const made = new NewFile(output, 'Output file open', MODE);
  const { size } = cow.header;
  const progress = new Progress(size);
  try {
    const buffer = new Uint8Array(CHUNK);
    for (let at = 0; at < size; at += CHUNK) {
      const part = buffer.subarray(0, Math.min(CHUNK, size - at));
      source.read(at, part);
      for (const stretch of cow.stretches(at, at + part.length))
        cow.read(stretch, part.subarray(stretch.start - at, stretch.end - at));
      if (made.isNew) writeSparse(made.file, at, part);
      else made.file.write(at, part);
      progress.update(at + part.length);
      await setImmediate();
    }
    if (made.isNew) check(files.truncate(made.file.fd, size));
    made.finish();
    progress.end();
  } catch (error) {
    made.abandon();
    orFail('Writing output file', () => {
      throw error;
    });
  }
}

/** Leaves blocks of zeros out. */
function writeSparse(file: HostFile, offset: number, bytes: Uint8Array): void {
  for (let start = 0; start < bytes.length;) {
    while (start < bytes.length && isZero(bytes.subarray(start, start + BLOCK))) start += BLOCK;
    let end = start;
    while (end < bytes.length && !isZero(bytes.subarray(end, end + BLOCK))) end += BLOCK;
    if (end > start) file.write(offset + start, bytes.subarray(start, end));
    start = end;
  }
}

const zeros = new Uint8Array(BLOCK);
const isZero = (bytes: Uint8Array): boolean => Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;

await runTool(() => main(rawArguments()));
