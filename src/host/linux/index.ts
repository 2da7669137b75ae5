/** The host, on Linux under Node.js: assembles what host.ts asks for. Lives on the kernel thread. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Host, HostMessage } from '../host.js';
import { lineBytes } from '../../kernel/printk.js';
import { LinuxClock } from './clock.js';
import { LinuxEvents } from './events.js';
import { call } from './ffi.js';
import { LinuxFiles } from './files.js';
import { LinuxSockets } from './sockets.js';
import { LinuxMachine } from './machine.js';
import { createPhysicalMemory } from './memory.js';
import type { KernelThreadMessage } from './messages.js';
import { SeccompPlatform } from './seccomp/platform.js';
import { describeError } from './stack.js';

const STDERR = 2;
const EINTR = -4;

const getrandom = call<[Uint8Array, number, number]>(
  'int64_t getrandom(uint8_t *into, size_t count, unsigned int flags)',
);

/** What exists before the size of the memory is known. */
export class HostBasics {
  readonly clock = new LinuxClock();
  readonly events = new LinuxEvents();
  readonly files = new LinuxFiles();

  constructor(readonly port: MessagePort) {}

  complain(line: string): void {
    writeFully(this.files, STDERR, lineBytes(line + '\n'));
  }

  exit(how: number | 'abort' | 'restart'): void {
    this.port.postMessage({ kind: 'exit', how } satisfies KernelThreadMessage);
  }
}

export class LinuxHost implements Host {
  readonly clock: LinuxClock;
  readonly events: LinuxEvents;
  readonly files: LinuxFiles;
  readonly sockets = new LinuxSockets();
  readonly machine = new LinuxMachine();
  readonly memory;
  readonly cpu;
  /** Messages may be waiting: they came before the kernel listened to the doorbell, or it has rung. */
  private expectMessages = true;

  constructor(
    private readonly basics: HostBasics,
    memoryBytes: number,
  ) {
    ({ clock: this.clock, events: this.events, files: this.files } = basics);
    this.memory = createPhysicalMemory(memoryBytes);
    this.cpu = new SeccompPlatform(this.memory);
  }

  random(into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const part = into.subarray(done);
      const count = getrandom(part, part.length, 0);
      if (count >= 0) done += count;
      else if (count !== EINTR) throw new Error(`getrandom failed: errno ${-count}`);
    }
  }

  nextMessage(): HostMessage | undefined {
    if (this.events.takeRing()) this.expectMessages = true;
    if (!this.expectMessages) return undefined;
    const received = receiveMessageOnPort(this.basics.port) as { message: HostMessage } | undefined;
    if (received === undefined) this.expectMessages = false;
    return received?.message;
  }

  complain(line: string): void {
    this.basics.complain(line);
  }

  exit(how: number | 'abort' | 'restart'): void {
    this.cpu.shutdown();
    this.basics.exit(how);
  }

  describeError(error: unknown): string {
    return describeError(error);
  }
}

/** Writes all, on a descriptor that may be non-blocking only because someone shares it with us: then it is tried again. */
export function writeFully(files: LinuxFiles, fd: number, bytes: Uint8Array): void {
  const EAGAIN = -11;
  const MAX_TRIES = 10_000;
  let done = 0;
  for (let tries = 0; done < bytes.length && tries < MAX_TRIES; tries++) {
    const count = files.write(fd, bytes.subarray(done));
    if (count > 0) done += count;
    else if (count !== EAGAIN && count !== EINTR) return;
  }
}
