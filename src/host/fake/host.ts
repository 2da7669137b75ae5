/** A host for tests: time stands still unless the test moves it, nothing ever happens. */
import type { HostFiles } from '../files.js';
import type { Host, HostClock, HostEvents, HostMessage, TimeSpec } from '../host.js';
import type { HostSockets } from '../sockets.js';
import { FakePlatform } from './cpu.js';
import { FakeMemory } from './memory.js';

const NANOSECONDS = 1_000_000_000;

export class FakeClock implements HostClock {
  /** Nanoseconds since the kernel started. */
  time = 0;
  now(): number {
    return this.time;
  }
  read(): TimeSpec {
    return { sec: 1_700_000_000 + Math.floor(this.time / NANOSECONDS), nsec: this.time % NANOSECONDS };
  }
}

export class FakeEvents implements HostEvents {
  watch(): void {}
  poll(): void {}
}

export class FakeHost implements Host {
  readonly cpu = new FakePlatform();
  readonly memory: FakeMemory;
  readonly clock = new FakeClock();
  readonly events = new FakeEvents();
  readonly lines: string[] = [];
  readonly machine = {
    cpuCount: 2,
    sysname: 'Linux',
    nodename: 'host',
    release: '6.1.0',
    version: '#1 SMP',
    machine: 'x86_64',
    cpuinfo: '',
    uid: 1000,
    gid: 1000,
    pid: 4711,
  };
  private seed = 1;

  constructor(memoryBytes: number) {
    this.memory = new FakeMemory(memoryBytes);
  }

  get files(): HostFiles {
    throw new Error('the fake host has no files');
  }
  get sockets(): HostSockets {
    throw new Error('the fake host has no sockets');
  }
  /** The same bytes in every run. */
  random(into: Uint8Array): void {
    for (let index = 0; index < into.length; index++) {
      this.seed = (Math.imul(this.seed, 1_103_515_245) + 12_345) >>> 0;
      into[index] = this.seed >>> 16;
    }
  }
  nextMessage(): HostMessage | undefined {
    return undefined;
  }
  complain(line: string): void {
    this.lines.push(line);
  }
  exit(): void {}
  describeError(error: unknown): string {
    return String(error);
  }
}
