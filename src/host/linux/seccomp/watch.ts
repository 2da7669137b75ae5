/** What wakes the sleeping kernel: an epoll descriptor over the doorbell, the ends of stub processes, and a timer. */
import { call } from '../ffi.js';
import {
  close,
  epoll_create1,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  epoll_ctl,
  epoll_wait,
  EPOLLIN,
  must,
  read,
  syscall,
} from './libc.js';
import { NR_pidfd_open } from './system-calls.js';

const EVENT_SIZE = 12;
const MAX_EVENTS = 16;
const CLOCK_MONOTONIC = 1;
const TFD_CLOEXEC = 0o2000000;
const TFD_NONBLOCK = 0o4000;
/** Data of the events that are not a process. */
const RING = 0;
const TIMER = 1;

const timerfd_create = call<[number, number]>('int timerfd_create(int clock, int flags)');
const timerfd_settime = call<[number, number, Int32Array, null]>(
  'int timerfd_settime(int fd, int flags, const void *value, void *old)',
);

export class Watch {
  readonly fd = must(epoll_create1(EPOLL_CLOEXEC), 'epoll_create1');
  readonly #timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), 'timerfd_create');
  readonly #pidfds = new Map<number, number>();
  readonly #events = new Uint8Array(EVENT_SIZE * MAX_EVENTS);
  readonly #expirations = new Uint8Array(8);
  #timerRunning = false;

  constructor(ring: number) {
    this.#add(ring, RING);
    this.#add(this.#timer, TIMER);
  }

  addProcess(pid: number): void {
    const fd = syscall(NR_pidfd_open, pid, 0, 0, 0);
    if (fd < 0) return; // out of descriptors: its end is noticed later
    this.#pidfds.set(pid, fd);
    this.#add(fd, pid);
  }

  removeProcess(pid: number): void {
    const fd = this.#pidfds.get(pid);
    if (fd === undefined) return;
    this.#pidfds.delete(pid);
    close(fd);
  }

  /** The watched processes that have ended. */
  ended(): number[] {
    const count = epoll_wait(this.fd, this.#events, MAX_EVENTS, 0);
    const pids: number[] = [];
    const view = new DataView(this.#events.buffer);
    for (let index = 0; index < count; index++) {
      const data = view.getInt32(index * EVENT_SIZE + 4, true);
      if (data !== RING && data !== TIMER) pids.push(data);
    }
    return pids;
  }

  /** Makes the descriptor readable in a second, if it will not be earlier. */
  startTimer(): void {
    if (this.#timerRunning) return;
    this.#timerRunning = true;
    timerfd_settime(this.#timer, 0, Int32Array.of(0, 0, 0, 0, 1, 0, 0, 0), null);
  }

  timerExpired(): boolean {
    if (!this.#timerRunning || read(this.#timer, this.#expirations, 8) < 0) return false;
    this.#timerRunning = false;
    return true;
  }

  #add(fd: number, data: number): void {
    const event = new Uint8Array(EVENT_SIZE);
    const view = new DataView(event.buffer);
    view.setUint32(0, EPOLLIN, true);
    view.setInt32(4, data, true);
    must(epoll_ctl(this.fd, EPOLL_CTL_ADD, fd, event), 'epoll_ctl');
  }
}
