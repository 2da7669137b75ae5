/**
 * Moving bytes between files without user memory: splice(2), tee(2), vmsplice(2), sendfile(2). Linux passes pages on by
 * reference; here they are copied, once into the pipe and once out of it, which only a stopwatch can tell.
 */
import { address, fd, flags, size, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { KernelBuffer } from '../lib/io-buffer.js';
import { MAX_RW_COUNT, readLoff, userVector } from '../mm/uio.js';
import { EAGAIN, EBADF, EINVAL, ESPIPE } from '../uapi/errno.js';
import { O_APPEND } from '../uapi/fcntl.js';
import { SPLICE_F_NONBLOCK, spliceFlags } from '../uapi/fs.js';
import { S_ISBLK, S_ISDIR, S_ISREG } from '../uapi/stat.js';
import { AnonymousFile } from './anon-inode.js';
import type { File } from './file.js';
import { type Pipe, PipeFile, broken } from './pipe.js';
import { PAGE } from './pipe-ring.js';
import { readFile, writeFile } from './read-write.js';

/** How much is copied at a time. */
const CHUNK = 128 * 1024;

/** Eventfds and their kind, and directories, cannot be spliced. */
const canSplice = (file: File): boolean => !(file instanceof AnonymousFile) && !S_ISDIR(file.inode.mode);

const pipeOf = (file: File): Pipe | undefined => (file instanceof PipeFile ? file.pipe : undefined);

/** Runs a transfer that may be long with its files kept open. */
async function holding(files: readonly File[], transfer: () => Promise<number>): Promise<number> {
  for (const file of files) file.hold();
  try {
    return await transfer();
  } finally {
    for (const file of files) file.drop();
  }
}

/** Reads from a file into a pipe, once and as much as fits. `position` undefined: at the file's own. */
async function fileToPipe(
  task: Task,
  file: File,
  pipe: Pipe,
  length: number,
  position: number | undefined,
  nonBlocking: boolean,
): Promise<number> {
  const { ring } = pipe;
  while (ring.full && pipe.readers > 0) {
    if (nonBlocking) throw EAGAIN;
    await pipe.writable.sleep(task);
  }
  if (pipe.readers === 0) return broken(task);
  if (!canSplice(file)) throw EINVAL;
  // A slot holds a page of the file or a part of it, so that a start within a page costs room.
  const offset = S_ISREG(file.inode.mode) ? (position ?? file.position) % PAGE : 0;
  const room = (ring.capacity - ring.usedSlots) * PAGE - offset;
  const bytes = new Uint8Array(Math.min(length, room, MAX_RW_COUNT));
  const count = await readFile(task, file, new KernelBuffer(bytes), position);
  for (let done = 0; done < count;) {
    while (ring.full && pipe.readers > 0) await pipe.writable.sleep(task);
    if (pipe.readers === 0) return broken(task);
    const part = Math.min(PAGE - ((offset + done) % PAGE), count - done);
    ring.put(bytes.subarray(done, done + part));
    pipe.added(true);
    done += part;
  }
  return count;
}

/** Writes a pipe's bytes to a file: what is there, waiting only for the first of them. */
async function pipeToFile(
  task: Task,
  pipe: Pipe,
  file: File,
  length: number,
  position: number | undefined,
  nonBlocking: boolean,
): Promise<number> {
  if (!canSplice(file)) throw EINVAL;
  const { ring } = pipe;
  let total = 0;
  try {
    while (total < length) {
      while (ring.empty && pipe.writers > 0 && total === 0) {
        if (nonBlocking) throw EAGAIN;
        await pipe.readable.sleep(task);
      }
      if (ring.empty) break;
      const bytes = ring.copy(Math.min(length - total, ring.bytes, CHUNK));
      const at = position === undefined ? undefined : position + total;
      const written = writeFile(task, file, new KernelBuffer(bytes), at);
      // If it waits, the bytes are taken now, lest another reader takes them, too.
      const count = typeof written === 'number' ? written : bytes.length;
      const slots = ring.usedSlots;
      ring.drop(count);
      pipe.removed(ring.usedSlots < slots);
      const stored = await written;
      total += stored;
      if (stored < bytes.length) break;
    }
  } catch (error) {
    if (total === 0) throw error;
  }
  return total;
}

/** Moves (splice) or copies (tee) whole slots from pipe to pipe, as many as there are and fit; waits for the first. */
async function pipeToPipe(
  task: Task,
  from: Pipe,
  to: Pipe,
  length: number,
  nonBlocking: boolean,
  copy: boolean,
): Promise<number> {
  for (;;) {
    const waits = from.ring.empty && from.writers > 0;
    if (!waits && to.readers === 0) return broken(task);
    if (!waits && !to.ring.full) break;
    if (nonBlocking) throw EAGAIN;
    await (waits ? from.readable : to.writable).sleep(task);
  }
  const slots = from.ring.usedSlots;
  let total = 0;
  for (let index = 0; total < length && !to.ring.full;) {
    if (index >= from.ring.usedSlots) break;
    const part = from.ring.peek(index).subarray(0, length - total);
    to.ring.put(part, from.ring.isPacket(index));
    total += part.length;
    if (copy) index++;
    else from.ring.drop(part.length);
  }
  // Unlike read and write, these tell the other ends of every slot: edge-triggered epoll sees that.
  from.removed(from.ring.usedSlots < slots);
  to.added(true);
  return total;
}

/** An offset in user memory that is used instead of the file's position, and moves. */
interface UserOffset {
  readonly at: number;
  readonly value: number;
}

function readOffset(task: Task, at: number): UserOffset | undefined {
  if (at === 0) return undefined;
  const value = readLoff(task.memory, at);
  if (value < 0) throw EINVAL;
  return { at, value };
}

function advanceOffset(task: Task, offset: UserOffset | undefined, count: number): number {
  if (offset !== undefined) task.memory.putU64(offset.at, offset.value + count);
  return count;
}

export const sys_splice = syscall(
  [fd, address, fd, address, size, flags(spliceFlags)],
  (task, fdIn, offsetIn, fdOut, offsetOut, wanted, how) => {
    if (wanted === 0) return 0;
    const input = task.files.getOpen(fdIn);
    const output = task.files.getOpen(fdOut);
    if (!input.readable || !output.writable) throw EBADF;
    const length = Math.min(wanted, MAX_RW_COUNT);
    const [from, to] = [pipeOf(input), pipeOf(output)];
    if ((from !== undefined && offsetIn !== 0) || (to !== undefined && offsetOut !== 0)) throw ESPIPE;
    const nonBlocking = (how & SPLICE_F_NONBLOCK) !== 0;
    const files = [input, output];
    if (from !== undefined && to !== undefined) {
      if (from === to) throw EINVAL;
      const never = nonBlocking || input.nonBlocking || output.nonBlocking;
      return holding(files, () => pipeToPipe(task, from, to, length, never, false));
    }
    if (from !== undefined) {
      if (offsetOut !== 0 && !output.seekable) throw EINVAL;
      const offset = readOffset(task, offsetOut);
      if ((output.flags & O_APPEND) !== 0) throw EINVAL;
      return holding(files, async () => {
        const count = await pipeToFile(task, from, output, length, offset?.value, nonBlocking);
        return advanceOffset(task, offset, count);
      });
    }
    if (to === undefined) throw EINVAL;
    if (offsetIn !== 0 && !input.seekable) throw EINVAL;
    const offset = readOffset(task, offsetIn);
    return holding(files, async () => {
      const count = await fileToPipe(
        task,
        input,
        to,
        length,
        offset?.value,
        nonBlocking || output.nonBlocking,
      );
      return advanceOffset(task, offset, count);
    });
  },
);

export const sys_tee = syscall([fd, fd, size, flags(spliceFlags)], (task, fdIn, fdOut, wanted, how) => {
  if (wanted === 0) return 0;
  const input = task.files.getOpen(fdIn);
  const output = task.files.getOpen(fdOut);
  if (!input.readable || !output.writable) throw EBADF;
  const [from, to] = [pipeOf(input), pipeOf(output)];
  if (from === undefined || to === undefined || from === to) throw EINVAL;
  const never = (how & SPLICE_F_NONBLOCK) !== 0 || input.nonBlocking || output.nonBlocking;
  return holding([input, output], () => pipeToPipe(task, from, to, wanted, never, true));
});

/** User memory into a pipe, as much as fits at once; or a pipe into user memory. */
export const sys_vmsplice = syscall(
  [fd, address, size, flags(spliceFlags)],
  (task, at, vector, count, how) => {
    const file = task.files.getOpen(at);
    const buffer = userVector(task.memory, vector, count);
    if (buffer.remaining === 0) return 0;
    if (!(file instanceof PipeFile)) throw EBADF;
    const { pipe } = file;
    const nonBlocking = (how & SPLICE_F_NONBLOCK) !== 0;
    if (!file.writable) {
      if (nonBlocking && pipe.ring.empty && pipe.writers > 0) throw EAGAIN;
      return file.read(task, buffer);
    }
    return holding([file], async () => {
      while (pipe.ring.full && pipe.readers > 0) {
        if (nonBlocking) throw EAGAIN;
        await pipe.writable.sleep(task);
      }
      if (pipe.readers === 0) return broken(task);
      return pipe.give(buffer, false, true);
    });
  },
);

/** Copies from a file at `start` to wherever another is, or to its `position`. */
export async function copyBytes(
  task: Task,
  input: File,
  start: number,
  output: File,
  position: number | undefined,
  length: number,
): Promise<number> {
  const bytes = new Uint8Array(Math.min(length, CHUNK));
  let total = 0;
  try {
    while (total < length) {
      const wanted = bytes.subarray(0, Math.min(length - total, CHUNK));
      const count = await readFile(task, input, new KernelBuffer(wanted), start + total);
      if (count === 0) break;
      const from = new KernelBuffer(wanted.subarray(0, count));
      const at = position === undefined ? undefined : position + total;
      const stored = await writeFile(task, output, from, at);
      total += stored;
      if (stored < count) break;
    }
  } catch (error) {
    if (total === 0) throw error;
  }
  return total;
}

export const sys_sendfile = syscall([fd, fd, address, size], (task, fdOut, fdIn, offsetAt, wanted) => {
  const offset = readOffset(task, offsetAt);
  const input = task.files.getOpen(fdIn);
  if (!input.readable) throw EBADF;
  if (offset !== undefined && !input.seekable) throw ESPIPE;
  const output = task.files.getOpen(fdOut);
  if (!output.writable) throw EBADF;
  const length = Math.min(wanted, MAX_RW_COUNT);
  const to = pipeOf(output);
  if (to === undefined) checkSource(input, output);
  if (length === 0) return 0;
  return holding([input, output], () => sendFile(task, input, output, to, offset, length));
});

/** Bytes that could not be sent must be there to be sent again: no streams. */
function checkSource({ inode: { mode } }: File, output: File): void {
  if ((!S_ISREG(mode) && !S_ISBLK(mode)) || (output.flags & O_APPEND) !== 0 || !canSplice(output))
    throw EINVAL;
}

async function sendFile(
  task: Task,
  input: File,
  output: File,
  to: Pipe | undefined,
  offset: UserOffset | undefined,
  length: number,
): Promise<number> {
  if (to !== undefined) {
    const nonBlocking = input.nonBlocking || output.nonBlocking;
    const count = await fileToPipe(task, input, to, length, offset?.value, nonBlocking);
    return advanceOffset(task, offset, count);
  }
  const start = offset?.value ?? input.position;
  const count = await copyBytes(task, input, start, output, undefined, length);
  if (offset === undefined) input.position = start + count;
  return advanceOffset(task, offset, count);
}
