/**
 * For the memory manager's tests: a machine with the fake platform, on which a test plays the guest. `Guest` touches
 * memory through what the host has mapped and faults as a processor would.
 */
import { HOST_READ, HOST_WRITE } from '../host/cpu.js';
import type { FakeSpace } from '../host/fake/cpu.js';
import { FakeHost } from '../host/fake/host.js';
import { PAGE_SIZE } from '../host/memory.js';
import { Kernel } from '../kernel/kernel.js';
import { PidTable } from '../kernel/pid.js';
import { Printk } from '../kernel/printk.js';
import { Process, ProcessGroup, Session } from '../kernel/process.js';
import { rootCredentials } from '../kernel/credentials.js';
import type { Result, SystemCall } from '../kernel/syscall.js';
import { Task } from '../kernel/task.js';
import { assert } from '../lib/assert.js';
import { hi, lo } from '../lib/word64.js';
import { FileTable } from '../fs/file-table.js';
import type { FsContext } from '../fs/fs-context.js';
import type { Namespaces } from '../kernel/namespaces.js';
import { AddressSpace } from './address-space.js';
import { MemoryManager } from './memory-manager.js';
import { PTE_HOSTED, frameOf } from './page-table.js';
import { PhysicalAllocator } from './physmem.js';

export class TestMachine {
  readonly host: FakeHost;
  readonly kernel: Kernel;
  readonly memory: MemoryManager;

  constructor(frames = 4096) {
    this.host = new FakeHost(frames * PAGE_SIZE);
    this.kernel = new Kernel(this.host, { fileSystems: [], protocolFamilies: [] });
    this.kernel.log = new Printk(this.host.clock);
    this.kernel.pids = new PidTable();
    this.kernel.frames = new PhysicalAllocator(this.host.memory);
    this.memory = this.kernel.memory = new MemoryManager(this.kernel, this.kernel.frames);
  }

  newSpace(): AddressSpace {
    return new AddressSpace(this.memory, this.host.cpu.createSpace());
  }

  /** Frames that are free once all spaces that have ended are gone. */
  get freeFrames(): number {
    this.host.cpu.prepareSleep();
    return this.kernel.frames.free;
  }

  /** A process whose only task uses the space. */
  newTask(space: AddressSpace): Task {
    const { kernel } = this;
    const pid = kernel.pids.allocate();
    const process = new Process(pid, undefined, undefined, new ProcessGroup(pid, new Session(pid)));
    const task = new Task(
      kernel,
      pid,
      process,
      rootCredentials,
      new FileTable(),
      undefined as unknown as FsContext,
      undefined as unknown as Namespaces,
    );
    task.mm = space;
    process.threads.add(task);
    process.leader = task;
    kernel.pids.tasks.set(pid, task);
    kernel.pids.processes.set(pid, process);
    return task;
  }
}

/** Plays a guest thread in a space. */
export class Guest {
  readonly task: Task;

  constructor(
    readonly machine: TestMachine,
    readonly space: AddressSpace,
  ) {
    this.task = machine.newTask(space);
    // As the platform does before guest code runs.
    space.host.flush();
  }

  get host(): FakeSpace {
    return this.space.host as FakeSpace;
  }

  /** Makes an access possible; the signal where there is one. */
  touch(address: number, access: number): { readonly signal: number; readonly code: number } | undefined {
    for (let tries = 0; tries < 4; tries++) {
      if (this.host.translate(address, access) !== undefined) return undefined;
      const outcome = this.space.fault(this.task, address, access);
      if (outcome !== 'resolved') return outcome;
    }
    throw new Error('a fault is resolved at last');
  }

  /** One byte, or the signal's number, negated. */
  read(address: number): number {
    const fault = this.touch(address, HOST_READ);
    return fault === undefined ? this.byte(address, HOST_READ)[0] : -fault.signal;
  }

  /** 0, or the signal's number, negated. */
  write(address: number, value: number): number {
    const fault = this.touch(address, HOST_WRITE);
    if (fault !== undefined) return -fault.signal;
    this.byte(address, HOST_WRITE)[0] = value;
    return 0;
  }

  private byte(address: number, access: number): Uint8Array {
    const physical = this.host.translate(address, access);
    assert(physical !== undefined, 'the page is there');
    return this.machine.host.memory.chunks[0].subarray(physical, physical + 1);
  }

  /** A system call with number arguments. */
  call(call: SystemCall, ...values: number[]): Result {
    const words = new Int32Array(12);
    values.forEach((value, index) => {
      words[2 * index] = lo(value);
      words[2 * index + 1] = hi(value);
    });
    return call.run(this.task, words);
  }
}

/** What is still queued only adds: the guest has no right that the page tables do not give it. */
function checkRights(space: AddressSpace): void {
  for (const [number, { physical, protection }] of (space.host as FakeSpace).pages) {
    const entry = space.tables.entry(number * PAGE_SIZE);
    const vma = space.vmas.find(number * PAGE_SIZE);
    assert((entry & PTE_HOSTED) !== 0 && vma !== undefined, 'the host has only what the tables have');
    assert(physical === frameOf(entry) * PAGE_SIZE, 'it shows no frame that has been replaced');
    assert((protection & ~space.hostProtection(vma, entry)) === 0, 'it gives no more access');
  }
}

/** What the host shows is what the page tables say, and every page lies in an area. */
export function checkHost(space: AddressSpace): void {
  checkRights(space);
  space.host.flush();
  const { pages } = space.host as FakeSpace;
  let hosted = 0;
  let counted = 0;
  for (const index of space.tables.within(0, space.top)) {
    const table = space.tables.at(index);
    assert(table !== undefined, 'a listed table exists');
    let used = 0;
    for (let at = 0; at < 512; at++) {
      const entry = table.entries[at];
      if (entry === 0) continue;
      used++;
      const page = index * 512 + at;
      const vma = space.vmas.find(page * PAGE_SIZE);
      assert(vma !== undefined, 'a page is in an area');
      assert(space.frames.references(frameOf(entry)) > 0, 'a frame that is shown is in use');
      if ((entry & PTE_HOSTED) === 0) continue;
      hosted++;
      const shown = pages.get(page);
      assert(shown !== undefined, 'the host has the page');
      assert(shown.physical === frameOf(entry) * PAGE_SIZE, 'the host shows the right frame');
      assert(shown.protection === space.hostProtection(vma, entry), 'the host protects it right');
    }
    assert(used === table.used && used > 0, 'a table counts its entries');
    counted += used;
  }
  assert(hosted === pages.size, 'the host has nothing else');
  assert(counted === space.residentPages, 'pages are counted');
  let total = 0;
  for (const vma of space.vmas.areas) total += vma.pages;
  assert(total === space.totalPages, 'areas are counted');
}
