/**
 * The kernel's only sleeping place: epoll(7) over the host descriptors in use and the doorbell that the main thread rings
 * when it has sent a message.
 */
import { assert } from '../../lib/assert.js';
import type { HostEvents, ReadyListener } from '../host.js';
import { READY_IN } from '../host.js';
import { call, pinned } from './ffi.js';

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EFD_CLOEXEC_NONBLOCK = 0o2004000;

const EPERM = -1;
const ENOENT = -2;
const EBADF = -9;
const EEXIST = -17;
const ENOSYS = -38;

const SYS_epoll_pwait2 = 441;
/** struct epoll_event is packed on x86-64: a 32-bit mask and 64 bits of data. */
const EVENT_BYTES = 12;
const EVENT_WORDS = 3;
const MAX_EVENTS = 64;
const NANOSECONDS = 1_000_000_000;

const epoll_create1 = call<[number]>('int epoll_create1(int flags)');
const epoll_ctl = call<[number, number, number, number]>(
  'int epoll_ctl(int epoll, int operation, int fd, intptr_t event)',
);
const epoll_wait = call<[number, number, number, number]>(
  'int epoll_wait(int epoll, intptr_t events, int max, int timeout)',
);
const epoll_pwait2 = call<[number, number, number, number, number, number, number]>(
  'int64_t syscall(int64_t number, int epoll, intptr_t events, int max, intptr_t timeout, intptr_t mask, size_t size)',
);
const eventfd = call<[number, number]>('int eventfd(unsigned int value, int flags)');
const read = call<[number, number, number]>('int64_t read(int fd, intptr_t into, size_t count)');
const close = call<[number]>('int close(int fd)');

interface Watch {
  interest: number;
  listener: ReadyListener;
}

export class LinuxEvents implements HostEvents {
  /** The descriptor (an eventfd) that the main thread writes to. */
  readonly doorbell: number;
  /** The doorbell has rung since the last `takeRing`. */
  private rung = false;
  private readonly epoll: number;
  private readonly memory = pinned(MAX_EVENTS * EVENT_BYTES);
  private readonly words = new Int32Array(this.memory.bytes.buffer);
  private readonly timeout = pinned(16);
  private readonly watches = new Map<number, Watch>();
  /** Watched files that epoll refuses, such as regular ones: always ready. */
  private readonly alwaysReady = new Map<number, Watch>();
  private hasPwait2 = true;

  constructor() {
    this.epoll = check('epoll_create1', epoll_create1(EPOLL_CLOEXEC));
    this.doorbell = check('eventfd', eventfd(0, EFD_CLOEXEC_NONBLOCK));
    check('epoll_ctl', this.control(EPOLL_CTL_ADD, this.doorbell, READY_IN));
  }

  watch(fd: number, interest: number, listener: ReadyListener): void {
    assert(fd >= 0 && fd !== this.doorbell, 'a descriptor of its own is watched');
    if (interest === 0) this.forget(fd);
    else this.set(fd, interest, listener);
  }

  private set(fd: number, interest: number, listener: ReadyListener): void {
    const known = this.watches.get(fd) ?? this.alwaysReady.get(fd);
    if (known !== undefined && known.interest === interest) {
      known.listener = listener;
      return;
    }
    if (this.alwaysReady.has(fd) || !this.register(fd, interest, known !== undefined)) {
      this.watches.delete(fd);
      this.alwaysReady.set(fd, { interest, listener });
      return;
    }
    this.watches.set(fd, { interest, listener });
  }

  /** False when the file cannot be polled. */
  private register(fd: number, interest: number, known: boolean): boolean {
    let result = this.control(known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, interest);
    // A descriptor that was closed while watched has left the set; its number may have come back.
    if (result === ENOENT) result = this.control(EPOLL_CTL_ADD, fd, interest);
    else if (result === EEXIST) result = this.control(EPOLL_CTL_MOD, fd, interest);
    if (result === EPERM) return false;
    check(`epoll_ctl of descriptor ${fd}`, result);
    return true;
  }

  private forget(fd: number): void {
    this.alwaysReady.delete(fd);
    if (!this.watches.delete(fd)) return;
    const result = this.control(EPOLL_CTL_DEL, fd, 0);
    if (result !== ENOENT && result !== EBADF) check(`epoll_ctl of descriptor ${fd}`, result);
  }

  private control(operation: number, fd: number, interest: number): number {
    this.words[0] = interest;
    this.words[1] = fd;
    this.words[2] = 0;
    return epoll_ctl(this.epoll, operation, fd, this.memory.address);
  }

  poll(timeoutNs: number): void {
    const count = this.wait(this.alwaysReady.size > 0 ? 0 : timeoutNs);
    // Listeners call `watch`, which uses the same memory: take the events out before the first is called.
    const events = count > 0 ? Array.from(this.words.subarray(0, count * EVENT_WORDS)) : [];
    for (let index = 0; index < events.length; index += EVENT_WORDS) {
      const fd = events[index + 1];
      if (fd === this.doorbell) this.ring();
      else this.watches.get(fd)?.listener.hostReady(fd, events[index]);
    }
    if (this.alwaysReady.size > 0) {
      // A copy: a listener that drops its interest and takes it up again would be met for ever.
      const ready = Array.from(this.alwaysReady);
      for (const [fd, { interest, listener }] of ready) listener.hostReady(fd, interest);
    }
  }

  /** The number of events, 0 also when a signal interrupted. */
  private wait(timeoutNs: number): number {
    const { address } = this.memory;
    if (timeoutNs <= 0) return Math.max(0, epoll_wait(this.epoll, address, MAX_EVENTS, 0));
    if (timeoutNs === Infinity) return Math.max(0, epoll_wait(this.epoll, address, MAX_EVENTS, -1));
    if (this.hasPwait2) {
      const { view } = this.timeout;
      const seconds = Math.floor(timeoutNs / NANOSECONDS);
      view.setUint32(0, seconds, true);
      view.setUint32(4, 0, true);
      view.setUint32(8, Math.min(Math.ceil(timeoutNs - seconds * NANOSECONDS), NANOSECONDS - 1), true);
      const count = epoll_pwait2(
        SYS_epoll_pwait2,
        this.epoll,
        address,
        MAX_EVENTS,
        this.timeout.address,
        0,
        0,
      );
      // A container's filter may answer EPERM to a call that it does not know.
      if (count !== ENOSYS && count !== EPERM) return Math.max(0, count);
      this.hasPwait2 = false;
    }
    // Before Linux 5.11: milliseconds, rounded up, so that no timer is early.
    return Math.max(0, epoll_wait(this.epoll, address, MAX_EVENTS, Math.ceil(timeoutNs / 1_000_000)));
  }

  private ring(): void {
    // Reading an eventfd sets it back to zero.
    read(this.doorbell, this.timeout.address, 8);
    this.rung = true;
  }

  /** Whether the doorbell has rung since the last call. */
  takeRing(): boolean {
    const rung = this.rung;
    this.rung = false;
    return rung;
  }

  close(): void {
    close(this.epoll);
    close(this.doorbell);
  }
}

function check(what: string, result: number): number {
  if (result < 0) throw new Error(`${what} failed: errno ${-result}`);
  return result;
}
