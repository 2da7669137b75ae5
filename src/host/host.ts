/**
 * Everything that the kernel takes from outside, handed to it at start-up. Calls that can fail return a number: a result
 * of zero or more, or a negated Linux errno. None of them waits for anything but the disk.
 */
import type { Platform } from './cpu.js';
import type { HostFiles } from './files.js';
import type { PhysicalMemory } from './memory.js';
import type { HostSockets } from './sockets.js';

/** A point or span of time, exact: nanoseconds since 1970 do not fit a double. */
export interface TimeSpec {
  sec: number;
  nsec: number;
}

export interface HostClock {
  /** Nanoseconds since the kernel started, monotonic: the kernel's internal time. An exact integer number. */
  now(): number;
  /** The host's clock `id` (CLOCK_REALTIME, CLOCK_MONOTONIC, ...), exact: agrees with what the vDSO tells guests. */
  read(id: number): TimeSpec;
}

/** Readiness bits: the values of EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP. */
export const READY_IN = 0x1;
export const READY_OUT = 0x4;
export const READY_ERR = 0x8;
export const READY_HUP = 0x10;

/** Gets told, from the kernel's loop, that a host descriptor is ready. */
export interface ReadyListener {
  /** `ready` is a mask of READY_*. Level-triggered: called again until the cause is gone or the interest dropped. */
  hostReady(fd: number, ready: number): void;
}

export interface HostEvents {
  /**
   * Sets the interest in a descriptor: READY_IN | READY_OUT; 0 removes it, which must happen before it is closed. Files that
   * cannot be polled are always ready.
   */
  watch(fd: number, interest: number, listener: ReadyListener): void;
  /**
   * Waits until a watched descriptor is ready, the doorbell rings, a message from the main thread arrives, or
   * `timeoutNs` has passed (0: look only; Infinity: no limit), and calls the listeners.
   */
  poll(timeoutNs: number): void;
}

/** A message from the host side (main thread): a signal that the process got, the terminal's new size, ... */
export type HostMessage =
  | { readonly kind: 'signal'; readonly signal: number }
  | { readonly kind: 'window-size' }
  | { readonly kind: 'request'; readonly name: string; readonly argument: string };

export interface Host {
  readonly cpu: Platform;
  readonly memory: PhysicalMemory;
  readonly clock: HostClock;
  readonly events: HostEvents;
  readonly files: HostFiles;
  readonly sockets: HostSockets;
  /** Fills the array with random bytes. */
  random(into: Uint8Array): void;
  /** Messages from the main thread that have arrived, each once. */
  nextMessage(): HostMessage | undefined;
  /** The machine: what /proc/cpuinfo and uname may tell. */
  readonly machine: {
    readonly cpuCount: number;
    /** The host's `uname -a` fields. */
    readonly sysname: string;
    readonly nodename: string;
    readonly release: string;
    readonly version: string;
    readonly machine: string;
    /** The host's /proc/cpuinfo, its first processor's paragraph. */
    readonly cpuinfo: string;
    /** Identity that the kernel process runs with. */
    readonly uid: number;
    readonly gid: number;
    readonly pid: number;
  };
  /** A line for the person who started the process (standard error), before a console exists or when one is useless. */
  complain(line: string): void;
  /**
   * Ends the process, with this exit status, after the kernel's loop has returned: at once, whatever else is under way.
   * `abort`: as abort(3), a panic; `restart`: runs the same command again in the same process.
   */
  exit(how: number | 'abort' | 'restart'): void;
  /** The stack of an exception for people, in terms of the source where that is known. */
  describeError(error: unknown): string;
}
