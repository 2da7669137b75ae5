/**
 * A guest address space: Linux's mm_struct. Its areas (vma.ts), its page tables (page-table.ts), and the host space that
 * shows them to the guest. What happens to them is in files of its own: fault.ts, map.ts, pages.ts, fork.ts; user memory
 * is read and written through the base class (uaccess.ts).
 *
 * The page tables are the truth, the host's mappings follow: changes are queued with the host, and `commit` carries them
 * out at the end of every operation. A frame that was taken out of the tables is let go only then, because until then the
 * guest can still reach it.
 */
import { HOST_EXEC, HOST_READ, HOST_WRITE, type HostSpace } from '../host/cpu.js';
import { PAGE_SIZE } from '../host/memory.js';
import type { Name } from '../lib/names.js';
import type { Path } from '../fs/mount.js';
import type { File } from '../fs/file.js';
import type { Process } from '../kernel/process.js';
import type { Task } from '../kernel/task.js';
import { faultIn, handleFault } from './fault.js';
import { type HotPages, copySpace, prepareFork } from './fork.js';
import { type Layout, fixedLayout } from './layout.js';
import { map, unmap } from './map.js';
import type { Mappable } from './mappable.js';
import type { MemoryManager } from './memory-manager.js';
import { PTE_ANON, PTE_READ, PTE_SHMEM, PTE_WRITE, PageTables } from './page-table.js';
import { cleanRange, countHostRuns, hostRange, releaseAll, unhostAll, zapRange } from './pages.js';
import { UserMemory } from './uaccess.js';
import { VM_ACCOUNT, VM_EXEC, VM_LOCKED, type Vma, VmaList, hostArea } from './vma.js';

/** Most numbers in `later`. */
const MOST_LATER = 128;

/** What the kernel itself asks to have mapped (exec, shmat, mmap after its checks). */
export interface MapRequest {
  /** Page-aligned; a hint unless fixed. 0: anywhere. */
  readonly address: number;
  readonly length: number;
  /** PROT_* */
  readonly protection: number;
  /** MAP_* */
  readonly flags: number;
  readonly mappable?: Mappable | undefined;
  /** Byte offset into it, page-aligned. */
  readonly offset?: number;
  /** The open file, for /proc/PID/maps and to keep it open. */
  readonly file?: File | undefined;
  /** A name for /proc/PID/maps: '[stack]', '[heap]'. */
  readonly name?: Name;
  /** PROT_* that mprotect(2) may set later; absent: all, but for writing a shared file that is not open for it. */
  readonly maxProtection?: number;
}

/** How a fault ended: the access may be repeated, or the signal to send with its si_code. */
export type FaultOutcome = 'resolved' | { readonly signal: number; readonly code: number };

export class AddressSpace extends UserMemory {
  /** Tells spaces apart, for futexes. */
  readonly id: number;
  /** Tasks that use it (CLONE_VM). */
  users = 1;
  /** Layout of the program: /proc/PID/stat, prctl PR_SET_MM, brk(2). */
  startCode = 0;
  endCode = 0;
  startData = 0;
  endData = 0;
  startBrk = 0;
  brk = 0;
  startStack = 0;
  argStart = 0;
  argEnd = 0;
  envStart = 0;
  envEnd = 0;
  /** The auxiliary vector's bytes: /proc/PID/auxv. */
  auxv: Uint8Array = new Uint8Array(0);
  private program: Path | undefined;

  readonly vmas = new VmaList();
  /** Where things go that have no address of their own. */
  layout: Layout;
  /** mlockall(2) MCL_FUTURE: VM_LOCKED and VM_LOCKONFAULT for new areas. */
  defaultFlags = 0;
  /** Pages shown, by kind: RssAnon, RssFile, RssShmem of /proc/PID/status. */
  anonPages = 0;
  filePages = 0;
  shmemPages = 0;
  /** Pages of all areas, of those locked in memory, and of those that count against the commit limit. */
  totalPages = 0;
  lockedPages = 0;
  accountedPages = 0;
  /** VmHWM and VmPeak, in pages. */
  peakResident = 0;
  peakTotal = 0;
  /** Pages that are written soon after a fork, by either side: fork.ts. Shared with relatives that run the same program. */
  hot: HotPages | undefined;
  /** The process that last used it: for its resource limits. */
  process: Process | undefined;
  /** The OOM killer has taken its memory: nothing can be faulted in any more. */
  reaped = false;

  private batching = false;
  /** What is queued with the host must be carried out before the kernel goes on. */
  private urgent = false;
  /** Pages in the tables of which the host is to be told some time: address and count, alternating. */
  private readonly later: number[] = [];
  /** Runs of frames to let go of after the next flush: first frame and count, alternating. */
  private readonly doomed: number[] = [];
  /** An upper estimate of the host's mappings, which the host limits: see `checkHostMappings`. */
  private hostMappings = 0;

  constructor(
    readonly manager: MemoryManager,
    readonly host: HostSpace,
  ) {
    super(manager.frames, new PageTables(manager.tables), manager.kernel.host.cpu.userTop);
    this.id = manager.nextId();
    this.layout = fixedLayout(this.top);
    manager.spaces.add(this);
    this.addHostAreas();
  }

  /** The program: /proc/PID/exe. While it is set it is kept, and can't be opened for writing (ETXTBSY). */
  get exe(): Path | undefined {
    return this.program;
  }
  set exe(path: Path | undefined) {
    if (path !== undefined) {
      path.mount.hold();
      path.dentry.hold();
      if (path.dentry.inode !== undefined) path.dentry.inode.writers--;
    }
    const old = this.program;
    this.program = path;
    if (old === undefined) return;
    if (old.dentry.inode !== undefined) old.dentry.inode.writers++;
    old.dentry.drop();
    old.mount.drop();
  }

  /** Pages in memory. */
  get residentPages(): number {
    return this.anonPages + this.filePages + this.shmemPages;
  }

  protected override faultIn(address: number, write: boolean): boolean {
    return faultIn(this, address, write);
  }

  /** What identifies a futex word: for a shared mapping its object and offset, else this space and the address. */
  futexKey(address: number, privateFutex: boolean): string {
    if (privateFutex) return `${this.id}:${address}`;
    const vma = this.vmas.find(address);
    if (vma === undefined || !vma.shared || vma.object?.id === undefined) return `m${this.id}:${address}`;
    return `o${vma.object.id}:${address - vma.start + vma.offset}`;
  }

  // Mapping.

  /** Maps; returns the address. ENOMEM, EINVAL, EEXIST (MAP_FIXED_NOREPLACE). Does no permission checks on files. */
  map(request: MapRequest): number {
    return map(this, request);
  }
  /** Addresses are page-aligned. ENOMEM when an area would have to be divided and there are too many. */
  unmap(address: number, length: number): void {
    unmap(this, address, length);
  }
  /** A page fault of a task in this space. `access`: HOST_READ, HOST_WRITE or HOST_EXEC. */
  fault(task: Task, address: number, access: number): FaultOutcome {
    return handleFault(this, task, address, access);
  }
  /** A copy for fork: copy-on-write. ENOMEM. */
  fork(): AddressSpace {
    this.hostNow();
    const copies = prepareFork(this);
    const host = this.host.fork();
    this.urgent = false;
    this.dropDoomed();
    const child = new AddressSpace(this.manager, host);
    child.hostMappings = this.hostMappings;
    copySpace(this, child, copies);
    return child;
  }

  /** Empties it for execve: its only user keeps it. */
  clearForExec(): void {
    this.host.clear();
    this.host.flush();
    this.forgetPages();
    this.forgetAreas();
    this.startCode = this.endCode = this.startData = this.endData = this.startBrk = this.brk = 0;
    this.startStack = this.argStart = this.argEnd = this.envStart = this.envEnd = 0;
    this.auxv = new Uint8Array(0);
    this.defaultFlags = 0;
    this.hot = undefined;
    this.peakResident = this.peakTotal = 0;
    this.layout = fixedLayout(this.top);
    this.addHostAreas();
  }

  /** A task lets go; the last one frees everything. */
  leave(): void {
    if (--this.users > 0) return;
    const { manager } = this;
    manager.spaces.delete(this);
    this.forgetAreas();
    // The host's process may run on for some microseconds: its frames stay its own until it is gone.
    manager.leaving++;
    this.host.destroy(() => {
      manager.leaving--;
      this.forgetPages();
    });
  }

  private forgetPages(): void {
    releaseAll(this);
    this.dropDoomed();
    this.urgent = false;
    this.later.length = 0;
    this.hostMappings = 0;
  }

  private forgetAreas(): void {
    for (const vma of this.vmas.areas) {
      this.account(vma, -vma.pages);
      vma.detach();
    }
    this.vmas.clear();
    this.exe = undefined;
  }

  /** The host's own ranges appear among the areas, so that nothing is mapped over them. */
  private addHostAreas(): void {
    for (const range of this.manager.kernel.host.cpu.hostRanges)
      if (range.end <= this.top) this.addArea(hostArea(this, range));
  }

  addArea(vma: Vma): void {
    this.vmas.insert(vma);
    vma.attach();
    this.account(vma, vma.pages);
  }

  removeArea(vma: Vma): void {
    this.vmas.remove(vma);
    vma.detach();
    this.account(vma, -vma.pages);
  }

  /** An area has grown (or shrunk, or come, or gone) by so many pages. */
  account(vma: Vma, pages: number): void {
    this.totalPages += pages;
    if (this.totalPages > this.peakTotal) this.peakTotal = this.totalPages;
    if ((vma.flags & VM_LOCKED) !== 0) this.lockedPages += pages;
    if ((vma.flags & VM_ACCOUNT) !== 0) {
      this.accountedPages += pages;
      this.manager.committedPages += pages;
    }
  }

  /** Changes an area's flags, with the counts that depend on them. */
  setFlags(vma: Vma, flags: number): void {
    this.account(vma, -vma.pages);
    vma.flags = flags;
    this.account(vma, vma.pages);
  }

  // What an object asks of the areas that show it.

  zapObject(_vma: Vma, start: number, end: number, copies: boolean): void {
    zapRange(this, start, end, copies);
    this.commit();
  }
  cleanShared(vma: Vma, start: number, end: number): void {
    cleanRange(this, vma, start, end);
    this.commit();
  }

  // Counting and the host: for pages.ts and its users.

  /** Pages of the kind that the flags tell have come or gone. */
  countPages(flags: number, count: number): void {
    if ((flags & PTE_ANON) !== 0) this.anonPages += count;
    else if ((flags & PTE_SHMEM) !== 0) this.shmemPages += count;
    else this.filePages += count;
  }

  noteResident(): void {
    const resident = this.anonPages + this.filePages + this.shmemPages;
    if (resident > this.peakResident) this.peakResident = resident;
  }

  /** The host's protection for pages with these flags. */
  hostProtection(vma: Vma, flags: number): number {
    if ((flags & PTE_READ) === 0) return 0;
    return (
      HOST_READ | ((flags & PTE_WRITE) === 0 ? 0 : HOST_WRITE) | ((vma.flags & VM_EXEC) === 0 ? 0 : HOST_EXEC)
    );
  }

  /**
   * What only adds to what the guest can do takes effect at the latest when it runs again. `ready`: the frames are no holes
   * in the host's file, and will be used at once.
   */
  hostMap(address: number, frame: number, count: number, protection: number, ready = false): void {
    this.host.map(address, count * PAGE_SIZE, protection, frame * PAGE_SIZE, ready);
    this.hostMappings++;
  }
  hostUnmap(start: number, end: number): void {
    this.host.unmap(start, end - start);
    this.hostMappings++;
    this.urgent = true;
  }
  hostProtect(start: number, end: number, protection: number): void {
    this.host.protect(start, end - start, protection);
    this.hostMappings += 2;
    this.urgent = true;
  }
  /** Pages that the host is told of when it is told of anything that cannot wait. */
  hostLater(address: number, count: number): void {
    this.later.push(address, count);
    if (this.later.length > MOST_LATER) this.hostNow();
  }
  private hostNow(): void {
    const { later } = this;
    for (let index = 0; index < later.length; index += 2)
      hostRange(this, later[index], later[index] + later[index + 1] * PAGE_SIZE);
    later.length = 0;
  }

  /** A run of frames has left the tables: it is let go of after the next flush. */
  doom(frame: number, count: number): void {
    this.doomed.push(frame, count);
  }

  /** Does several changes and carries them out with the host at once: while no guest code of this space can run. */
  batch<T>(changes: () => T): T {
    this.batching = true;
    try {
      return changes();
    } finally {
      this.batching = false;
      this.hostNow();
      this.commit();
    }
  }

  /**
   * Ends an operation. What takes something away from the guest is carried out with the host, and frames that it could still
   * reach are let go of; what merely adds can wait until the guest runs.
   */
  commit(): void {
    if (this.batching || (!this.urgent && this.doomed.length === 0)) return;
    this.limitHostMappings();
    this.flush();
  }

  /** Ends a fault of the guest, which is about to repeat its access. */
  commitFault(): void {
    this.flush();
  }

  private flush(): void {
    this.hostNow();
    this.host.flush();
    this.urgent = false;
    this.dropDoomed();
  }

  private dropDoomed(): void {
    const { doomed, frames } = this;
    for (let index = 0; index < doomed.length; index += 2) frames.dropRun(doomed[index], doomed[index + 1]);
    doomed.length = 0;
  }

  /**
   * The host limits the mappings of a process. When the estimate is high they are counted, and if the limit is near, the
   * host is made to forget all of them: faults bring back what is used.
   */
  limitHostMappings(): void {
    const { hostMappingLimit } = this.manager;
    if (this.hostMappings <= hostMappingLimit) return;
    this.hostMappings = countHostRuns(this);
    if (this.hostMappings <= hostMappingLimit * 0.75) return;
    unhostAll(this);
    this.urgent = true;
    this.later.length = 0;
    this.hostMappings = 0;
  }
}
