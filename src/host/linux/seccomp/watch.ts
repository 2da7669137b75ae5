/** What wakes the sleeping kernel: an epoll descriptor over the doorbell and a timer. */
import { call } from '../ffi.js';
import { epoll_create1, EPOLL_CLOEXEC, EPOLL_CTL_ADD, epoll_ctl, EPOLLIN, must, read } from './libc.js';

const EVENT_SIZE = 12;
const CLOCK_MONOTONIC = 1;
const TFD_CLOEXEC = 0o2000000;
const TFD_NONBLOCK = 0o4000;

const timerfd_create = call<[number, number]>('int timerfd_create(int clock, int flags)');
const timerfd_settime = call<[number, number, Int32Array, null]>(
  'int timerfd_settime(int fd, int flags, const void *value, void *old)',
);

export class Watch {
  readonly fd = must(epoll_create1(EPOLL_CLOEXEC), 'epoll_create1');
  readonly #timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), 'timerfd_create');
  readonly #buffer = new Uint8Array(8);
  /** When the timer will expire, by performance.now(). */
  #expires = Infinity;

  constructor(private readonly ring: number) {
    this.#add(ring);
    this.#add(this.#timer);
  }

  /** Wakes a sleeping kernel in so many milliseconds, if nothing does earlier. */
  wakeWithin(milliseconds: number): void {
    const expires = performance.now() + milliseconds;
    if (this.#expires <= expires) return;
    this.#expires = expires;
    timerfd_settime(this.#timer, 0, Int32Array.of(0, 0, 0, 0, 0, 0, milliseconds * 1e6, 0), null);
  }

  /** Makes the descriptor quiet again after a sleep. True if the timer has expired. */
  quiet(): boolean {
    read(this.ring, this.#buffer, 8);
    if (performance.now() < this.#expires || read(this.#timer, this.#buffer, 8) < 0) return false;
    this.#expires = Infinity;
    return true;
  }

  #add(fd: number): void {
    const event = new Uint8Array(EVENT_SIZE);
    new DataView(event.buffer).setUint32(0, EPOLLIN, true);
    must(epoll_ctl(this.fd, EPOLL_CTL_ADD, fd, event), 'epoll_ctl');
  }
}
