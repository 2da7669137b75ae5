/**
 * A platform that runs nothing: its spaces record what is mapped, so that tests can compare it with the page tables and
 * can touch memory as a guest would.
 */
import { assert } from '../../lib/assert.js';
import { type CpuContext, type HostRange, type HostSpace, type Platform } from '../cpu.js';
import { PAGE_SIZE } from '../memory.js';

interface FakePage {
  /** Byte in physical memory. */
  readonly physical: number;
  readonly protection: number;
}

export class FakeSpace implements HostSpace {
  alive = true;
  /** What the guest sees, by page number. */
  pages = new Map<number, FakePage>();
  /** Commands carried out so far. */
  readonly counts = { map: 0, unmap: 0, protect: 0, flush: 0 };
  private queue: (() => void)[] = [];

  constructor(readonly platform: FakePlatform) {}

  map(address: number, length: number, protection: number, physical: number): void {
    this.check(address, length);
    assert(physical % PAGE_SIZE === 0 && physical > 0, 'physical addresses are page-aligned');
    this.counts.map++;
    this.queue.push(() => {
      for (let at = 0; at < length; at += PAGE_SIZE)
        this.pages.set((address + at) / PAGE_SIZE, { physical: physical + at, protection });
    });
  }

  unmap(address: number, length: number): void {
    this.check(address, length);
    this.counts.unmap++;
    this.queue.push(() => {
      const first = address / PAGE_SIZE;
      const end = first + length / PAGE_SIZE;
      if (end - first < this.pages.size) for (let page = first; page < end; page++) this.pages.delete(page);
      else for (const page of this.pages.keys()) if (page >= first && page < end) this.pages.delete(page);
    });
  }

  protect(address: number, length: number, protection: number): void {
    this.check(address, length);
    this.counts.protect++;
    this.queue.push(() => {
      for (let page = address / PAGE_SIZE; page < (address + length) / PAGE_SIZE; page++) {
        const old = this.pages.get(page);
        if (old !== undefined) this.pages.set(page, { physical: old.physical, protection });
      }
    });
  }

  flush(): void {
    this.counts.flush++;
    for (const command of this.queue.splice(0)) command();
  }

  clear(): void {
    this.queue.push(() => this.pages.clear());
  }

  fork(): FakeSpace {
    this.flush();
    const child = this.platform.createSpace();
    child.pages = new Map(this.pages);
    return child;
  }

  destroy(gone?: () => void): void {
    this.alive = false;
    this.queue = [];
    this.pages.clear();
    if (gone !== undefined) this.platform.leaving.push(gone);
  }

  createContext(): CpuContext | undefined {
    return undefined;
  }

  /** Physical address for an access of the guest, or undefined when it would fault. */
  translate(address: number, access: number): number | undefined {
    const page = this.pages.get(Math.floor(address / PAGE_SIZE));
    if (page === undefined || (page.protection & access) !== access) return undefined;
    return page.physical + (address % PAGE_SIZE);
  }

  /** Mappings as the host would have to keep them: runs of pages with consecutive frames and one protection. */
  get runs(): number {
    let runs = 0;
    for (const [number, page] of this.pages) {
      const before = this.pages.get(number - 1);
      const goesOn =
        before !== undefined &&
        before.physical + PAGE_SIZE === page.physical &&
        before.protection === page.protection;
      if (!goesOn) runs++;
    }
    return runs;
  }

  private check(address: number, length: number): void {
    assert(this.alive, 'a destroyed space is left alone');
    assert(address % PAGE_SIZE === 0 && length % PAGE_SIZE === 0 && length > 0, 'ranges are whole pages');
    assert(address >= 0 && address + length <= this.platform.userTop, 'ranges are in user space');
    for (const { start, end } of this.platform.hostRanges)
      assert(address + length <= start || address >= end, "the host's ranges are left alone");
  }
}

export class FakePlatform implements Platform {
  readonly xsaveSize = 576;
  readonly xfeaturesLo = 3;
  readonly xfeaturesHi = 0;
  readonly userTop = 0x7fff_f000_0000;
  readonly vdso = 0x7fff_e000_4000;
  readonly hostRanges: readonly HostRange[] = [
    { start: 0x7fff_e000_0000, end: 0x7fff_e000_4000, name: '[vvar]' },
    { start: 0x7fff_e000_4000, end: 0x7fff_e000_6000, name: '[vdso]' },
  ];
  readonly hwcap = 0;
  readonly hwcap2 = 0;
  readonly minSigStackSize = 2048;
  readonly maxContexts = Infinity;
  readonly runningCount = 0;
  readonly doorbell = -1;
  /** What waits for spaces to be gone: they are when the kernel is about to sleep. */
  readonly leaving: (() => void)[] = [];

  createSpace(): FakeSpace {
    return new FakeSpace(this);
  }
  nextTrap(): CpuContext | undefined {
    return undefined;
  }
  spin(): boolean {
    return false;
  }
  prepareSleep(): boolean {
    for (const gone of this.leaving.splice(0)) gone();
    return true;
  }
  endSleep(): void {}
  shutdown(): void {}
}
