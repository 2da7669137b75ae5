/**
 * epoll(7). An item is one registered descriptor. It sits in the wait queues of its file for as long as it is registered;
 * when one is woken it joins the ready list, which epoll_wait(2) goes through, asking each file whether it is really ready.
 *
 * An item belongs to an open file and a descriptor number, and goes when the file does, not when the descriptor does.
 */
import { withSignalMask } from '../kernel/signal-mask.js';
import { type Result, address, fd, flags, int, size, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { readDeadline } from '../kernel/timespec.js';
import { WaitQueue, type Waiter } from '../kernel/wait.js';
import { EEXIST, EFAULT, EINTR, EINVAL, ELOOP, ENOENT, EPERM } from '../uapi/errno.js';
import {
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLRDNORM,
  EPOLLWAKEUP,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  epollCreateFlags,
  epoll_event,
} from '../uapi/epoll.js';
import { O_RDWR } from '../uapi/fcntl.js';
import { AnonymousFile } from './anon-inode.js';
import { descriptorLimit } from './file-calls.js';
import type { File, PollTable, ReleaseListener } from './file.js';

/** Bits of an item that say how to tell of events; the others are events. */
const OPTIONS = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;
const IN_OUT = EPOLLIN | EPOLLOUT;
const EXCLUSIVE_MAY_HAVE = IN_OUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
const READABLE = EPOLLIN | EPOLLRDNORM;

/** Epoll instances that watch each other make chains of at most so many links. */
const MAX_NESTS = 4;

class EpollItem implements Waiter, PollTable, ReleaseListener {
  private readonly queues: WaitQueue[] = [];

  constructor(
    readonly epoll: EventPoll,
    readonly file: File,
    readonly fd: number,
    /** Events and options, as a signed word. None but options are left once EPOLLONESHOT has fired. */
    public events: number,
    public dataLo: number,
    public dataHi: number,
  ) {}

  get exclusive(): boolean {
    return (this.events & EPOLLEXCLUSIVE) !== 0;
  }

  /** What of the events asked for holds now. */
  ready(task: Task, table?: PollTable): number {
    return this.file.poll(task, table) & this.events & ~OPTIONS;
  }

  wait(queue: WaitQueue): void {
    queue.add(this);
    this.queues.push(queue);
  }

  woken(_queue: WaitQueue, key: number): boolean {
    const used = (this.events & ~OPTIONS) !== 0 && (key === 0 || (key & this.events) !== 0);
    const woke = used && this.epoll.itemWoken(this);
    if (!this.exclusive) return true;
    // A wake-up for something else than what it waits for should reach others, too.
    const directions = key & IN_OUT;
    return woke && (directions === 0 || directions === IN_OUT || (directions & this.events) !== 0);
  }

  released(): void {
    this.epoll.remove(this);
  }

  leaveQueues(): void {
    for (const queue of this.queues) queue.remove(this);
  }
}

export class EventPoll extends AnonymousFile {
  private readonly items = new Map<File, Map<number, EpollItem>>();
  /** In the order in which they became ready. */
  private readonly readyItems = new Set<EpollItem>();
  /** Tasks in epoll_wait. */
  private readonly waiting = new WaitQueue();
  /** Whoever polls the epoll instance itself. */
  private readonly pollers = new WaitQueue();
  /** The items by which other instances watch this one. */
  readonly watchedBy = new Set<EpollItem>();

  constructor(task: Task) {
    super(task.kernel, task.credentials, O_RDWR, 'anon_inode:[eventpoll]');
  }

  override release(): void {
    for (const item of this.allItems()) this.remove(item);
  }

  private *allItems(): IterableIterator<EpollItem> {
    for (const items of this.items.values()) yield* items.values();
  }

  find(file: File, number: number): EpollItem | undefined {
    return this.items.get(file)?.get(number);
  }

  /** The files registered under a number: those of descriptors since closed, too. */
  watchedAs(number: number): File[] {
    return [...this.allItems()].filter(({ fd: registered }) => registered === number).map(({ file }) => file);
  }

  /** EPOLL_CTL_ADD */
  add(task: Task, item: EpollItem): void {
    const { file } = item;
    if (file instanceof EventPoll) {
      this.checkNesting(file);
      file.watchedBy.add(item);
    }
    let items = this.items.get(file);
    if (items === undefined) this.items.set(file, (items = new Map<number, EpollItem>()));
    items.set(item.fd, item);
    file.onRelease(item);
    if (item.ready(task, item) !== 0) this.itemWoken(item);
  }

  /** EPOLL_CTL_DEL, or the file is closed. */
  remove(item: EpollItem): void {
    const { file } = item;
    item.leaveQueues();
    file.offRelease(item);
    if (file instanceof EventPoll) file.watchedBy.delete(item);
    this.readyItems.delete(item);
    const items = this.items.get(file);
    items?.delete(item.fd);
    if (items?.size === 0) this.items.delete(file);
  }

  /** ELOOP when watching `other` would make a cycle, or too long a chain. */
  private checkNesting(other: EventPoll): void {
    if (other.depthBelow(this) + 1 + this.depthAbove() > MAX_NESTS) throw ELOOP;
  }

  private depthBelow(forbidden: EventPoll): number {
    if (this === forbidden) return Infinity;
    let depth = 0;
    for (const file of this.items.keys())
      if (file instanceof EventPoll) depth = Math.max(depth, file.depthBelow(forbidden) + 1);
    return depth;
  }

  private depthAbove(): number {
    let depth = 0;
    for (const { epoll } of this.watchedBy) depth = Math.max(depth, epoll.depthAbove() + 1);
    return depth;
  }

  /** An item may have become ready. True if that has woken a task in epoll_wait. */
  itemWoken(item: EpollItem): boolean {
    this.readyItems.add(item);
    const woke = this.waiting.wakeOne();
    this.pollers.wake(READABLE);
    return woke;
  }

  override poll(task: Task, table: PollTable | undefined): number {
    table?.wait(this.pollers);
    for (const item of this.readyItems) {
      if (item.ready(task) !== 0) return READABLE;
      this.readyItems.delete(item);
    }
    return 0;
  }

  /** Stores up to `max` events at `at` and returns how many there were. */
  collect(task: Task, at: number, max: number): number {
    const found: EpollItem[] = [];
    const events: number[] = [];
    for (const item of this.readyItems) {
      if (found.length === max) break;
      const now = item.ready(task);
      if (now === 0) {
        this.readyItems.delete(item);
        continue;
      }
      found.push(item);
      events.push(now);
    }
    if (found.length === 0) return 0;
    const stored = store(task, at, found, events);
    for (const item of found.slice(0, stored)) this.told(item);
    if (this.readyItems.size > 0) this.waiting.wakeOne();
    if (stored === 0) throw EFAULT;
    return stored;
  }

  /** User space knows of an event. */
  private told(item: EpollItem): void {
    this.readyItems.delete(item);
    if ((item.events & EPOLLONESHOT) !== 0) item.events &= OPTIONS;
    // Level-triggered: to be asked again next time, after the others.
    else if ((item.events & EPOLLET) === 0) this.readyItems.add(item);
  }

  /** epoll_wait(2) until a deadline in kernel time; 0: only look. */
  wait(task: Task, at: number, max: number, deadline: number): Result {
    const count = this.collect(task, at, max);
    if (count > 0 || deadline === 0) return count;
    return this.waitLater(task, at, max, deadline);
  }

  private async waitLater(task: Task, at: number, max: number, deadline: number): Promise<number> {
    const { clock } = task.kernel.host;
    this.hold();
    try {
      for (;;) {
        if (deadline <= clock.now()) return 0;
        // Never restarted, whatever the handler: signal(7).
        if (task.signalPending()) throw EINTR;
        await this.waiting.sleep(task, deadline);
        const count = this.collect(task, at, max);
        if (count > 0) return count;
      }
    } finally {
      this.drop();
    }
  }

  override showFdInfo(): string {
    const lines: string[] = [];
    for (const { fd: number, events, dataLo, dataHi, file } of this.allItems()) {
      const hex = (value: number): string => (value >>> 0).toString(16);
      const data =
        (dataHi === 0 ? '' : hex(dataHi)) + (dataHi === 0 ? hex(dataLo) : hex(dataLo).padStart(8, '0'));
      lines.push(
        `tfd: ${String(number).padStart(8)} events: ${hex(events).padStart(8)} data: ${data.padStart(16)} ` +
          ` pos:${file.position} ino:${hex(file.inode.ino)} sdev:${hex(file.inode.superBlock.dev)}\n`,
      );
    }
    return lines.join('');
  }
}

/** Writes events to user memory; returns how many fit before a fault. */
function store(task: Task, at: number, items: readonly EpollItem[], events: readonly number[]): number {
  const bytes = new Uint8Array(items.length * epoll_event.size);
  const view = new DataView(bytes.buffer);
  for (const [index, { dataLo, dataHi }] of items.entries()) {
    const base = index * epoll_event.size;
    epoll_event.field.events.set(view, base, events[index]);
    epoll_event.field.data.setWords(view, base, dataLo, dataHi);
  }
  return Math.floor(task.memory.copyOutPartial(at, bytes) / epoll_event.size);
}

function create(task: Task, createFlags: number): number {
  const closeOnExec = (createFlags & EPOLL_CLOEXEC) !== 0;
  return task.files.installNew(new EventPoll(task), closeOnExec, descriptorLimit(task));
}

/** Its argument was once a hint for the size. */
export const sys_epoll_create = syscall([int], (task, hint) => {
  if (hint <= 0) throw EINVAL;
  return create(task, 0);
});

export const sys_epoll_create1 = syscall([flags(epollCreateFlags)], create);

export const sys_epoll_ctl = syscall([fd, int, fd, address], (task, at, operation, number, event) => {
  const wanted = operation === EPOLL_CTL_DEL ? undefined : readEvent(task, event);
  const epoll = task.files.getOpen(at);
  const file = task.files.getOpen(number);
  if (!file.canPoll) throw EPERM;
  if (epoll === file || !(epoll instanceof EventPoll)) throw EINVAL;
  if (wanted !== undefined && (wanted.events & EPOLLEXCLUSIVE) !== 0) {
    if (operation === EPOLL_CTL_MOD) throw EINVAL;
    if (
      operation === EPOLL_CTL_ADD &&
      (file instanceof EventPoll || (wanted.events & ~EXCLUSIVE_MAY_HAVE) !== 0)
    )
      throw EINVAL;
  }
  const item = epoll.find(file, number);
  switch (operation) {
    case EPOLL_CTL_ADD:
      if (wanted === undefined || item !== undefined) throw EEXIST;
      epoll.add(task, new EpollItem(epoll, file, number, wanted.events, wanted.data.lo, wanted.data.hi));
      return 0;
    case EPOLL_CTL_MOD:
      if (wanted === undefined || item === undefined) throw ENOENT;
      if (item.exclusive) throw EINVAL;
      item.events = wanted.events;
      item.dataLo = wanted.data.lo;
      item.dataHi = wanted.data.hi;
      if (item.ready(task) !== 0) epoll.itemWoken(item);
      return 0;
    case EPOLL_CTL_DEL:
      if (item === undefined) throw ENOENT;
      epoll.remove(item);
      return 0;
    default:
      throw EINVAL;
  }
});

/** Errors and hang-ups are always told. EPOLLWAKEUP means nothing here: the machine does not suspend. */
function readEvent(task: Task, at: number) {
  const { events, data } = epoll_event.decode(task.memory.copyIn(at, epoll_event.size));
  return { events: (events & ~EPOLLWAKEUP) | EPOLLERR | EPOLLHUP, data };
}

const MAX_EVENTS = Math.floor(0x7fff_ffff / epoll_event.size);
const USER_END = 0x7fff_ffff_f000;

function doWait(task: Task, at: number, events: number, max: number, deadline: number): Result {
  if (max <= 0 || max > MAX_EVENTS) throw EINVAL;
  if (events + max * epoll_event.size > USER_END) throw EFAULT;
  const epoll = task.files.getOpen(at);
  if (!(epoll instanceof EventPoll)) throw EINVAL;
  return epoll.wait(task, events, max, deadline);
}

function deadlineIn(task: Task, milliseconds: number): number {
  if (milliseconds < 0) return Infinity;
  return milliseconds === 0 ? 0 : task.kernel.host.clock.now() + milliseconds * 1_000_000;
}

export const sys_epoll_wait = syscall([fd, address, int, int], (task, at, events, max, timeoutMs) =>
  doWait(task, at, events, max, deadlineIn(task, timeoutMs)),
);

export const sys_epoll_pwait = syscall(
  [fd, address, int, int, address, size],
  (task, at, events, max, timeoutMs, mask, maskSize) =>
    withSignalMask(task, mask, maskSize, () => doWait(task, at, events, max, deadlineIn(task, timeoutMs))),
);

export const sys_epoll_pwait2 = syscall(
  [fd, address, int, address, address, size],
  (task, at, events, max, timeout, mask, maskSize) => {
    const deadline = readDeadline(task, timeout);
    // A span of nothing is no wait.
    const limit = deadline <= task.kernel.host.clock.now() ? 0 : deadline;
    return withSignalMask(task, mask, maskSize, () => doWait(task, at, events, max, limit));
  },
);
