/** select(2), pselect6(2), poll(2), ppoll(2). */
import { type Result, address, int, size, syscall, uint } from '../kernel/syscall.js';
import type { RestartBlock, Task } from '../kernel/task.js';
import { withSignalMask } from '../kernel/signal-mask.js';
import { fromNs, isValidTime, readTimespec, toNs, writeTimespec } from '../kernel/timespec.js';
import type { TimeSpec } from '../host/host.js';
import { EBADF, EFAULT, EINTR, EINVAL, ERESTARTNOHAND, ERESTART_RESTARTBLOCK } from '../uapi/errno.js';
import { POLLERR, POLLEX_SET, POLLHUP, POLLIN_SET, POLLNVAL, POLLOUT_SET, pollfd } from '../uapi/poll.js';
import { O_PATH } from '../uapi/fcntl.js';
import { timeval } from '../uapi/time.js';
import { descriptorLimit } from './file-calls.js';
import type { File, PollTable } from './file.js';
import { type PollScan, pollWait } from './poll-wait.js';

/** A descriptor's file, unless it was opened by O_PATH: that counts as closed here. */
function openFile(task: Task, fd: number): File | undefined {
  const file = task.files.find(fd);
  return file === undefined || (file.flags & O_PATH) !== 0 ? undefined : file;
}

// poll

/** An array of struct pollfd. */
class PollArray implements PollScan {
  readonly wanted: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(
    task: Task,
    private readonly at: number,
    count: number,
  ) {
    this.bytes = task.memory.copyIn(at, count * pollfd.size);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    let wanted = POLLERR | POLLHUP;
    for (let each = 0; each < this.bytes.length; each += pollfd.size)
      wanted |= pollfd.field.events.get(this.view, each);
    this.wanted = wanted;
  }

  scan(task: Task, table: PollTable | undefined): number {
    const { fd, events, revents } = pollfd.field;
    let count = 0;
    // Once something is ready there will be no sleep, and no queue is needed.
    let queues = table;
    for (let each = 0; each < this.bytes.length; each += pollfd.size) {
      const number = fd.get(this.view, each);
      let found = 0;
      if (number >= 0) {
        const file = openFile(task, number);
        const filter = events.get(this.view, each) | POLLERR | POLLHUP;
        found = file === undefined ? POLLNVAL : file.poll(task, queues) & filter;
      }
      revents.set(this.view, each, found);
      if (found === 0) continue;
      count++;
      queues = undefined;
    }
    return count;
  }

  /** Only the results go back: the rest is the program's. */
  writeBack(task: Task): void {
    const { offset } = pollfd.field.revents;
    for (let each = offset; each < this.bytes.length; each += pollfd.size)
      task.memory.copyOut(this.at + each, this.bytes.subarray(each, each + 2));
  }
}

function doPoll(task: Task, at: number, count: number, deadline: number): Result {
  if (count > descriptorLimit(task)) throw EINVAL;
  const array = new PollArray(task, at, count);
  let result: Result;
  try {
    result = pollWait(task, array, deadline);
  } catch (error) {
    array.writeBack(task);
    throw error;
  }
  if (typeof result !== 'number') return writeBackLater(task, array, result);
  array.writeBack(task);
  return result;
}

/** The results are written even if the wait was interrupted. */
async function writeBackLater(task: Task, array: PollArray, result: Promise<number>): Promise<number> {
  try {
    return await result;
  } finally {
    array.writeBack(task);
  }
}

/** poll(2) goes on after a signal without a handler with what is left of its time. */
class PollRestart implements RestartBlock {
  constructor(
    private readonly at: number,
    private readonly count: number,
    private readonly deadline: number,
  ) {}

  restart(task: Task): Result {
    return restartable(task, this, () => doPoll(task, this.at, this.count, this.deadline));
  }
}

function restartable(task: Task, block: RestartBlock, wait: () => Result): Result {
  const failed = (error: unknown): never => {
    if (error !== ERESTARTNOHAND) throw error;
    task.restartBlock = block;
    throw ERESTART_RESTARTBLOCK;
  };
  try {
    const result = wait();
    return typeof result === 'number' ? result : result.catch(failed);
  } catch (error) {
    return failed(error);
  }
}

export const sys_poll = syscall([address, uint, int], (task, at, count, timeoutMs) => {
  const { clock } = task.kernel.host;
  const deadline = timeoutMs < 0 ? Infinity : timeoutMs === 0 ? 0 : clock.now() + timeoutMs * 1_000_000;
  return new PollRestart(at, count, deadline).restart(task);
});

export const sys_ppoll = syscall(
  [address, uint, address, address, size],
  (task, at, count, timeout, mask, maskSize) => {
    const limit = timeout === 0 ? undefined : new SpecTimeout(task, timeout);
    return withSignalMask(task, mask, maskSize, () =>
      limited(task, limit, () => doPoll(task, at, count, limit?.deadline ?? Infinity)),
    );
  },
);

// Timeouts in user memory, into which the time that is left is written.

abstract class UserTimeout {
  /** Kernel time; 0 when there is to be no wait. */
  readonly deadline: number;

  constructor(
    task: Task,
    protected readonly at: number,
    span: TimeSpec,
  ) {
    if (!isValidTime(span)) throw EINVAL;
    const ns = toNs(span);
    this.deadline = ns === 0 ? 0 : task.kernel.host.clock.now() + ns;
  }

  protected abstract write(task: Task, left: TimeSpec): void;

  /** False when the memory cannot be written: then a call that has succeeded stays so. */
  writeBack(task: Task): boolean {
    if (this.deadline === 0) return true;
    try {
      this.write(task, fromNs(Math.max(0, this.deadline - task.kernel.host.clock.now())));
      return true;
    } catch (error) {
      if (error === EFAULT) return false;
      throw error;
    }
  }
}

class SpecTimeout extends UserTimeout {
  constructor(task: Task, at: number) {
    super(task, at, readTimespec(task, at));
  }
  protected override write(task: Task, left: TimeSpec): void {
    writeTimespec(task, this.at, left);
  }
}

class ValTimeout extends UserTimeout {
  constructor(task: Task, at: number) {
    const { tv_sec, tv_usec } = timeval.decode(task.memory.copyIn(at, timeval.size));
    // Linux takes more than a million of microseconds here.
    super(task, at, { sec: tv_sec + Math.trunc(tv_usec / 1e6), nsec: (tv_usec % 1e6) * 1000 });
  }
  protected override write(task: Task, left: TimeSpec): void {
    const time = { tv_sec: left.sec, tv_usec: Math.floor(left.nsec / 1000) };
    task.memory.copyOut(this.at, timeval.encode(time));
  }
}

/** Runs a wait and writes back what is left of its time. Where that fails the call cannot be repeated. */
function limited(task: Task, limit: UserTimeout | undefined, wait: () => Result): Result {
  if (limit === undefined) return wait();
  const done = (count: number): number => {
    limit.writeBack(task);
    return count;
  };
  const failed = (error: unknown): never => {
    throw !limit.writeBack(task) && error === ERESTARTNOHAND ? EINTR : error;
  };
  try {
    const result = wait();
    return typeof result === 'number' ? done(result) : result.then(done, failed);
  } catch (error) {
    return failed(error);
  }
}

// select

/** The three sets of select(2): as asked, and as found. Null pointers are empty sets that are not written. */
class FdSets implements PollScan {
  readonly wanted: number;
  private readonly asked: readonly (Uint8Array | undefined)[];
  private readonly found: readonly (Uint8Array | undefined)[];

  constructor(
    task: Task,
    private readonly count: number,
    private readonly at: readonly [input: number, output: number, exceptional: number],
  ) {
    const bytes = Math.ceil(count / 64) * 8;
    this.asked = at.map((each) => (each === 0 ? undefined : task.memory.copyIn(each, bytes)));
    this.found = this.asked.map((set) => set && new Uint8Array(set.length));
    this.wanted = conditions.reduce((all, events, set) => (this.asked[set] ? all | events : all), POLLERR);
    for (let fd = 0; fd < count; fd++)
      if (this.eventsOf(fd) !== 0 && openFile(task, fd) === undefined) throw EBADF;
  }

  /** The events that a descriptor is asked for; 0 when it is in no set. */
  private eventsOf(fd: number): number {
    let events = 0;
    for (const [set, bits] of this.asked.entries())
      if (bits !== undefined && (bits[fd >> 3] & (1 << (fd & 7))) !== 0) events |= conditions[set];
    return events;
  }

  scan(task: Task, table: PollTable | undefined): number {
    let ready = 0;
    let queues = table;
    for (const set of this.found) set?.fill(0);
    for (let fd = 0; fd < this.count; fd++) {
      if (this.eventsOf(fd) === 0) continue;
      const file = openFile(task, fd);
      const events = file === undefined ? POLLNVAL : file.poll(task, queues);
      for (const [set, bits] of this.found.entries()) {
        if (bits === undefined || (events & conditions[set]) === 0) continue;
        if (((this.asked[set]?.[fd >> 3] ?? 0) & (1 << (fd & 7))) === 0) continue;
        bits[fd >> 3] |= 1 << (fd & 7);
        ready++;
        queues = undefined;
      }
    }
    return ready;
  }

  writeBack(task: Task): void {
    for (const [set, bits] of this.found.entries())
      if (bits !== undefined) task.memory.copyOut(this.at[set], bits);
  }
}

/** What each of the three sets stands for. A descriptor closed meanwhile counts as readable, as on Linux. */
const conditions = [POLLIN_SET | POLLNVAL, POLLOUT_SET | POLLNVAL, POLLEX_SET | POLLNVAL] as const;

function doSelect(
  task: Task,
  count: number,
  at: readonly [input: number, output: number, exceptional: number],
  deadline: number,
): Result {
  if (count < 0) throw EINVAL;
  const sets = new FdSets(task, Math.min(count, task.files.capacity), at);
  const result = pollWait(task, sets, deadline);
  if (typeof result !== 'number') return selectLater(task, sets, result);
  sets.writeBack(task);
  return result;
}

async function selectLater(task: Task, sets: FdSets, result: Promise<number>): Promise<number> {
  const ready = await result;
  sets.writeBack(task);
  return ready;
}

export const sys_select = syscall(
  [int, address, address, address, address],
  (task, count, input, output, exceptional, timeout) => {
    const limit = timeout === 0 ? undefined : new ValTimeout(task, timeout);
    return limited(task, limit, () =>
      doSelect(task, count, [input, output, exceptional], limit?.deadline ?? Infinity),
    );
  },
);

export const sys_pselect6 = syscall(
  [int, address, address, address, address, address],
  (task, count, input, output, exceptional, timeout, maskArgument) => {
    // The sixth argument points at a pair: the mask's address and its size.
    const mask = maskArgument === 0 ? 0 : task.memory.getU64(maskArgument);
    const maskSize = maskArgument === 0 ? 0 : task.memory.getU64(maskArgument + 8);
    const limit = timeout === 0 ? undefined : new SpecTimeout(task, timeout);
    return withSignalMask(task, mask, maskSize, () =>
      limited(task, limit, () =>
        doSelect(task, count, [input, output, exceptional], limit?.deadline ?? Infinity),
      ),
    );
  },
);
