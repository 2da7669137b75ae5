/**
 * For unit tests: a kernel and tasks without a guest. User memory is a flat array from `USER` on; system calls are made by
 * `start`, which takes the same arguments as user space would; time stands still until `advance`.
 *
 *     const machine = new TestMachine();
 *     const task = machine.newProcess();
 *     const call = await machine.start(task, sys_read, 0, USER, 10);
 *     expect(call.state).toBe('asleep');
 */
import type { Host, HostClock, TimeSpec } from '../host/host.js';
import { Disks } from '../block/disks.js';
import { rootCredentials } from '../kernel/credentials.js';
import { Kernel } from '../kernel/kernel.js';
import { Params } from '../kernel/params.js';
import { PidTable } from '../kernel/pid.js';
import { Printk } from '../kernel/printk.js';
import { Process, ProcessGroup, Session } from '../kernel/process.js';
import { killInfo } from '../kernel/siginfo.js';
import { sendToTask } from '../kernel/signal-send.js';
import type { Result, SystemCall } from '../kernel/syscall.js';
import { Task } from '../kernel/task.js';
import { IoBuffer } from '../lib/io-buffer.js';
import { nameFromBytes, nameToBytes, type Name } from '../lib/names.js';
import { hi, lo } from '../lib/word64.js';
import type { AddressSpace } from '../mm/address-space.js';
import { EFAULT, Errno } from '../uapi/errno.js';
import { S_IFREG } from '../uapi/stat.js';
import { AnonymousInodes } from './anon-inode.js';
import { Devices } from './char-dev.js';
import { File } from './file.js';
import { FileTable } from './file-table.js';
import type { FsContext } from './fs-context.js';
import { Inode } from './inode.js';
import { LockTable } from './locks.js';
import { PidFiles } from './pidfd.js';
import { genericSeek } from './read-write.js';
import type { FileSystemType } from './super-block.js';

/** Where user memory begins, and how long it is. */
export const USER = 0x10000;
const USER_SIZE = 1 << 20;

class TestClock implements HostClock {
  time = 1_000_000_000;
  /** By how many seconds the real-time clock has been set forward. */
  realTimeOffset = 0;
  now(): number {
    return this.time;
  }
  /** All clocks show kernel time; the real-time ones began in 2001. */
  read(id: number): TimeSpec {
    const base = id === 0 || id === 8 ? 1_000_000_000 + this.realTimeOffset : 0;
    return { sec: base + Math.floor(this.time / 1e9), nsec: this.time % 1e9 };
  }
}

class TestBuffer extends IoBuffer {
  private readonly ranges: { address: number; length: number }[];
  constructor(
    private readonly memory: TestMemory,
    ranges: readonly { readonly address: number; readonly length: number }[],
  ) {
    super(ranges.reduce((sum, { length }) => sum + length, 0));
    this.ranges = ranges.map((range) => ({ ...range }));
  }
  override put(from: Uint8Array): number {
    return this.each(from.length, (address, at, count) =>
      this.memory.copyOutPartial(address, from.subarray(at, at + count)),
    );
  }
  override get(into: Uint8Array): number {
    return this.each(into.length, (address, at, count) =>
      this.memory.copyInto(address, into.subarray(at, at + count)),
    );
  }
  private each(wanted: number, move: (address: number, at: number, count: number) => number): number {
    let done = 0;
    const limit = Math.min(wanted, this.remaining);
    while (done < limit) {
      const [range] = this.ranges;
      const count = Math.min(range.length, limit - done);
      const moved = move(range.address, done, count);
      done += moved;
      range.address += moved;
      range.length -= moved;
      if (moved < count) {
        this.fault = true;
        break;
      }
      if (range.length === 0) this.ranges.shift();
    }
    this.moved += done;
    this.remaining -= done;
    return done;
  }
}

/** The part of an AddressSpace that system calls use to reach user memory. */
export class TestMemory {
  readonly bytes = new Uint8Array(USER_SIZE);
  private readonly view = new DataView(this.bytes.buffer);

  private room(address: number): number {
    return address < USER ? 0 : Math.max(0, USER + USER_SIZE - address);
  }
  private at(address: number, length: number): number {
    if (length === 0) return 0;
    if (this.room(address) < length) throw EFAULT;
    return address - USER;
  }
  copyIn(address: number, length: number): Uint8Array {
    const at = this.at(address, length);
    return this.bytes.slice(at, at + length);
  }
  copyInto(address: number, into: Uint8Array): number {
    const count = Math.min(this.room(address), into.length);
    if (count > 0) into.set(this.bytes.subarray(address - USER, address - USER + count));
    return count;
  }
  copyOut(address: number, from: Uint8Array): void {
    this.bytes.set(from, this.at(address, from.length));
  }
  copyOutPartial(address: number, from: Uint8Array): number {
    const count = Math.min(this.room(address), from.length);
    if (count > 0) this.bytes.set(from.subarray(0, count), address - USER);
    return count;
  }
  readString(address: number, max: number): Name | undefined {
    const start = this.at(address, 1);
    const end = this.bytes.indexOf(0, start);
    return end < 0 || end - start >= max ? undefined : nameFromBytes(this.bytes, start, end);
  }
  getU8(address: number): number {
    return this.bytes[this.at(address, 1)];
  }
  getU32(address: number): number {
    return this.view.getUint32(this.at(address, 4), true);
  }
  putU32(address: number, value: number): void {
    this.view.setInt32(this.at(address, 4), value, true);
  }
  getU64(address: number): number {
    return this.getU32(address) + this.getU32(address + 4) * 2 ** 32;
  }
  putU64(address: number, value: number): void {
    this.putU32(address, lo(value));
    this.putU32(address + 4, hi(value));
  }
  word(address: number, _write: boolean): { words: Int32Array; index: number } {
    return { words: new Int32Array(this.bytes.buffer), index: this.at(address, 4) >>> 2 };
  }
  futexKey(address: number, _private: boolean): string {
    return String(this.at(address, 4));
  }
  buffer(address: number, length: number): IoBuffer {
    return new TestBuffer(this, [{ address, length }]);
  }
  vector(ranges: readonly { readonly address: number; readonly length: number }[]): IoBuffer {
    return new TestBuffer(this, ranges);
  }

  // For tests.

  putText(address: number, text: Name): void {
    this.copyOut(address, nameToBytes(text));
  }
  getText(address: number, length: number): Name {
    return nameFromBytes(this.copyIn(address, length));
  }
}

/** A regular file in memory, without a place in a tree. */
class TestInode extends Inode {
  bytes: number[] = [];
  override mode = S_IFREG | 0o644;
}

export class TestFile extends File {
  declare readonly inode: TestInode;

  constructor(task: Task, flags: number, inode?: TestInode) {
    const { anonymous } = task.kernel;
    const own = inode ?? new TestInode(anonymous.pipes, anonymous.newIno());
    super(undefined, undefined, own, flags, task.credentials);
  }
  /** Its contents as text. */
  get text(): string {
    return String.fromCharCode(...this.inode.bytes);
  }
  override read(_task: Task, to: IoBuffer, position: number): Result {
    const count = to.put(Uint8Array.from(this.inode.bytes.slice(position, position + to.remaining)));
    if (count === 0 && to.fault) throw EFAULT;
    return count;
  }
  override write(_task: Task, from: IoBuffer, position: number): Result {
    const into = new Uint8Array(from.remaining);
    const count = from.get(into);
    if (count === 0 && from.fault) throw EFAULT;
    while (this.inode.bytes.length < position) this.inode.bytes.push(0);
    this.inode.bytes.splice(position, count, ...into.subarray(0, count));
    this.inode.size = this.inode.bytes.length;
    return count;
  }
  override seek(_task: Task, offset: number, whence: number): Result {
    return genericSeek(this, offset, whence);
  }
}

/** A system call under way or done. */
export class TestCall {
  /** The result, or the name of the error. */
  outcome: number | string | undefined;

  get state(): 'asleep' | 'done' {
    return this.outcome === undefined ? 'asleep' : 'done';
  }
}

export class TestMachine {
  readonly clock = new TestClock();
  readonly kernel: Kernel;

  constructor(fileSystems: readonly FileSystemType[] = []) {
    const host = { clock: this.clock } as Partial<Host> as Host;
    const kernel = new Kernel(host, { fileSystems, protocolFamilies: [] });
    kernel.params = new Params();
    kernel.log = new Printk(this.clock);
    kernel.pids = new PidTable();
    kernel.devices = new Devices(kernel);
    kernel.disks = new Disks(kernel);
    kernel.anonymous = new AnonymousInodes(kernel);
    kernel.locks = new LockTable();
    kernel.pidFiles = new PidFiles();
    this.kernel = kernel;
  }

  /** A process of root with one thread, no open files and memory of its own. */
  newProcess(files = new FileTable()): Task {
    const { pids } = this.kernel;
    const pid = pids.allocate();
    const session = new Session(pid);
    const process = new Process(pid, undefined, undefined, new ProcessGroup(pid, session));
    process.unkillable = false;
    pids.processes.set(pid, process);
    const task = this.addThread(process, pid, files);
    process.leader = task;
    task.mm = new TestMemory() as unknown as AddressSpace;
    return task;
  }

  /** Another thread of a task's process, which shares everything. */
  newThread(of: Task): Task {
    of.files.users++;
    const task = this.addThread(of.process, this.kernel.pids.allocate(), of.files);
    task.mm = of.mm;
    return task;
  }

  private addThread(process: Process, tid: number, files: FileTable): Task {
    const nowhere = {} as FsContext;
    const task = new Task(this.kernel, tid, process, rootCredentials, files, nowhere, {
      mount: { end: () => {} },
    } as unknown as Task['namespaces']);
    process.threads.add(task);
    this.kernel.pids.tasks.set(tid, task);
    return task;
  }

  /** Opens a regular file in memory: a new one, or that of another open file. Returns its descriptor. */
  openFile(task: Task, flags: number, of?: TestFile): number {
    return task.files.install(new TestFile(task, flags, of?.inode), false, Infinity);
  }

  memory(task: Task): TestMemory {
    return task.mm as unknown as TestMemory;
  }

  /** Makes a system call and lets everything run until nothing can. */
  async start(task: Task, call: SystemCall, ...values: number[]): Promise<TestCall> {
    const words = new Int32Array(12);
    for (const [index, value] of values.entries()) {
      words[index * 2] = lo(value);
      words[index * 2 + 1] = hi(value);
    }
    return this.run(() => call.run(task, words));
  }

  /** The outcome of a system call that does not wait. */
  call(task: Task, call: SystemCall, ...values: number[]): number | string {
    const words = new Int32Array(12);
    for (const [index, value] of values.entries()) {
      words[index * 2] = lo(value);
      words[index * 2 + 1] = hi(value);
    }
    try {
      const result = call.run(task, words);
      if (typeof result !== 'number') throw new Error('the call waits');
      return result;
    } catch (error) {
      return nameOf(error);
    }
  }

  /** Runs something as a system call. */
  async run(body: () => Result): Promise<TestCall> {
    const call = new TestCall();
    void this.follow(call, body);
    await this.settle();
    return call;
  }

  private async follow(call: TestCall, body: () => Result): Promise<void> {
    try {
      call.outcome = await body();
    } catch (error) {
      call.outcome = nameOf(error);
    }
  }

  /** Lets everything run until nothing can. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  }

  /** Time passes; timers expire. */
  async advance(ns: number): Promise<void> {
    this.clock.time += ns;
    this.kernel.scheduler.timers.run();
    await this.settle();
  }

  /** A signal comes, sent by the task itself. It stays pending. */
  async signal(task: Task, signal: number): Promise<void> {
    sendToTask(task, killInfo(task, signal));
    await this.settle();
  }
}

function nameOf(error: unknown): string {
  if (error instanceof Errno) return error.name;
  throw error;
}
