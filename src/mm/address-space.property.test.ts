/** Random sequences of calls and accesses, against a model that keeps one byte for each page. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Errno } from '../uapi/errno.js';
import {
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_WIPEONFORK,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_READ,
  PROT_WRITE,
} from '../uapi/mman.js';
import { sys_madvise } from './madvise.js';
import type { MemoryManager } from './memory-manager.js';
import { sys_mmap, sys_munmap } from './mmap.js';
import { sys_mprotect } from './mprotect.js';
import { sys_mremap } from './mremap.js';
import { reclaim } from './reclaim.js';
import { PageCache, type PageStore } from './page-cache.js';
import { Guest, TestMachine, checkHost } from './testing.js';

const PAGE = 4096;
/** Crosses a page table's border. */
const BASE = 0x4000_0000 - 40 * PAGE;
const PAGES = 96;
const FILE_PAGES = 40;

/** A file whose page n is full of the byte n + 1. */
class PatternStore implements PageStore {
  readonly size = FILE_PAGES * PAGE;
  readonly reclaimable = true;
  readonly describe = { dev: 5, ino: 6 };
  fill(offset: number, into: Uint8Array): void {
    for (let at = 0; at < into.length; at += PAGE) into.fill(pattern((offset + at) / PAGE), at, at + PAGE);
  }
  writeBack(): number {
    throw new Error('nobody writes');
  }
  makeWritable(): void {}
}
const pattern = (page: number): number => (page < FILE_PAGES ? page + 1 : 0);

/** A page of the model. */
interface ModelPage {
  protection: number;
  /** Shared pages of one mapping and its copies by fork are one cell. */
  cell: { value: number };
  shared: boolean;
  /** The page of the file, or of shared memory; -1 for private anonymous memory. */
  file: number;
  /** Shared memory's pages. */
  object: readonly { value: number }[] | undefined;
  dontFork: boolean;
  wipe: boolean;
}

class Model {
  pages = new Map<number, ModelPage>();

  fork(): Model {
    const copy = new Model();
    for (const [number, page] of this.pages) {
      if (page.dontFork) continue;
      const value = page.wipe ? 0 : page.cell.value;
      copy.pages.set(number, { ...page, cell: page.shared ? page.cell : { value } });
    }
    return copy;
  }
}

interface Player {
  readonly guest: Guest;
  readonly model: Model;
}

const range = { first: fc.nat(PAGES - 1), count: fc.integer({ min: 1, max: 40 }), who: fc.nat(3) };
const protection = fc.constantFrom(0, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE);
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('map' as const), ...range, protection }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('share' as const), ...range, protection }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('file' as const), ...range, protection, from: fc.nat(20) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unmap' as const), ...range }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('protect' as const), ...range, protection }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('move' as const),
      ...range,
      to: fc.nat(PAGES - 1),
      size: fc.nat(30),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), ...range }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('dontfork' as const), ...range }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wipe' as const), ...range }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fork' as const), ...range }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('exit' as const), ...range }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      ...range,
      value: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('read' as const), ...range }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('kernel' as const),
      ...range,
      value: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reclaim' as const), ...range }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

class Game {
  readonly machine = new TestMachine(6000);
  readonly free = this.machine.kernel.frames.free;
  readonly file: PageCache;
  players: Player[] = [];

  constructor() {
    this.file = new PageCache(this.machine.memory, new PatternStore());
    this.players.push({ guest: new Guest(this.machine, this.machine.newSpace()), model: new Model() });
  }

  get memory(): MemoryManager {
    return this.machine.memory;
  }

  play(step: Action): void {
    const player = this.players[step.who % this.players.length];
    const first = step.first;
    const end = Math.min(PAGES, first + step.count);
    this.act(step, player, first, end);
    for (const { guest } of this.players) checkHost(guest.space);
  }

  private act(step: Action, { guest, model }: Player, first: number, end: number): void {
    const address = BASE + first * PAGE;
    const length = (end - first) * PAGE;
    switch (step.kind) {
      case 'map':
      case 'share': {
        const shared = step.kind === 'share';
        const flags = MAP_ANONYMOUS | MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE);
        guest.call(sys_mmap, address, length, step.protection, flags, -1, 0);
        const object = Array.from({ length: shared ? end - first : 0 }, () => ({ value: 0 }));
        for (let page = first; page < end; page++)
          model.pages.set(
            page,
            shared ? sharedPage(step.protection, object, page - first) : fresh(step.protection, false, -1, 0),
          );
        return;
      }
      case 'file':
        guest.space.map({
          address,
          length,
          protection: step.protection,
          flags: MAP_PRIVATE | MAP_FIXED,
          mappable: this.file,
          offset: step.from * PAGE,
        });
        for (let page = first; page < end; page++) {
          const of = step.from + page - first;
          model.pages.set(page, fresh(step.protection, false, of, pattern(of)));
        }
        return;
      case 'unmap':
        guest.call(sys_munmap, address, length);
        for (let page = first; page < end; page++) model.pages.delete(page);
        return;
      case 'protect':
        attempt(() => guest.call(sys_mprotect, address, length, step.protection));
        for (let page = first; page < end; page++) {
          const known = model.pages.get(page);
          if (known === undefined) return;
          known.protection = step.protection;
        }
        return;
      case 'move':
        this.move(guest, model, first, end, step.to, Math.max(1, step.size));
        return;
      case 'drop':
        attempt(() => guest.call(sys_madvise, address, length, MADV_DONTNEED));
        for (let page = first; page < end; page++) {
          const known = model.pages.get(page);
          if (known === undefined || known.shared) continue;
          known.cell.value = known.file < 0 ? 0 : pattern(known.file);
        }
        return;
      case 'dontfork':
        attempt(() => guest.call(sys_madvise, address, length, MADV_DONTFORK));
        for (let page = first; page < end; page++) {
          const known = model.pages.get(page);
          if (known !== undefined) known.dontFork = true;
        }
        return;
      case 'wipe':
        // Refused for a range with anything but private anonymous memory in it.
        for (let page = first; page < end; page++) {
          const known = model.pages.get(page);
          if (known === undefined || known.file >= 0) return;
        }
        guest.call(sys_madvise, address, length, MADV_WIPEONFORK);
        for (let page = first; page < end; page++) (model.pages.get(page) as ModelPage).wipe = true;
        return;
      case 'fork':
        if (this.players.length >= 4) return;
        this.players.push({ guest: new Guest(this.machine, guest.space.fork()), model: model.fork() });
        return;
      case 'exit':
        if (this.players.length === 1) return;
        guest.space.leave();
        this.players = this.players.filter((player) => player.guest !== guest);
        return;
      case 'write': {
        const known = model.pages.get(first);
        const result = guest.write(address + 100, step.value);
        const expected = outcome(known, PROT_WRITE);
        expect(result).toBe(expected);
        if (result === 0 && known !== undefined) known.cell.value = step.value;
        return;
      }
      case 'read': {
        const known = model.pages.get(first);
        const expected = outcome(known, PROT_READ);
        expect(guest.read(address + 100)).toBe(expected === 0 ? known?.cell.value : expected);
        return;
      }
      case 'kernel': {
        // Bytes up to the first page that may not be written.
        let pages = 0;
        while (pages < 3 && outcome(model.pages.get(first + pages), PROT_WRITE) === 0) pages++;
        const bytes = new Uint8Array(2 * PAGE + 1).fill(step.value);
        const moved = guest.space.copyOutPartial(address + 100, bytes);
        expect(moved).toBe(Math.min(bytes.length, Math.max(0, pages * PAGE - 100)));
        for (let page = 0; page < pages; page++)
          (model.pages.get(first + page) as ModelPage).cell.value = step.value;
        return;
      }
      case 'reclaim':
        reclaim(this.memory, 1000);
    }
  }

  private move(guest: Guest, model: Model, first: number, end: number, to: number, size: number): void {
    const result = attempt(() =>
      guest.call(
        sys_mremap,
        BASE + first * PAGE,
        (end - first) * PAGE,
        size * PAGE,
        MREMAP_MAYMOVE | MREMAP_FIXED,
        BASE + to * PAGE,
      ),
    );
    if (result === undefined) {
      // It may have got as far as removing something: look at what is there now.
      for (const page of model.pages.keys())
        if (guest.space.vmas.find(BASE + page * PAGE) === undefined) model.pages.delete(page);
      return;
    }
    const moved = Array.from({ length: end - first }, (_, index) => model.pages.get(first + index));
    const last = moved[Math.min(size, end - first) - 1] as ModelPage;
    for (let page = 0; page < size; page++) model.pages.delete(to + page);
    for (let page = first; page < end; page++) model.pages.delete(page);
    for (let page = 0; page < size; page++) {
      const old = page < moved.length ? moved[page] : undefined;
      if (old !== undefined) model.pages.set(to + page, old);
      else {
        const of = last.file < 0 ? -1 : last.file + page - moved.length + 1;
        const added =
          last.object === undefined
            ? fresh(last.protection, false, of, pattern(of))
            : sharedPage(last.protection, last.object, of);
        model.pages.set(to + page, { ...added, dontFork: last.dontFork, wipe: last.wipe });
      }
    }
  }

  end(): void {
    for (const { guest } of this.players) guest.space.leave();
    this.file.dispose();
    expect(this.machine.freeFrames).toBe(this.free);
    expect(this.memory.committedPages).toBe(0);
    expect(this.memory.cachedPages).toBe(0);
    expect(this.memory.shmemPages).toBe(0);
  }
}

const fresh = (protection: number, shared: boolean, file: number, value: number): ModelPage => ({
  protection,
  shared,
  file,
  object: undefined,
  cell: { value },
  dontFork: false,
  wipe: false,
});

const sharedPage = (protection: number, object: readonly { value: number }[], index: number): ModelPage => ({
  ...fresh(protection, true, index, 0),
  object,
  cell: object[index] ?? { value: 0 },
});

/** 0, or the signal that an access gets, negated. */
function outcome(page: ModelPage | undefined, access: number): number {
  if (page === undefined || (page.protection & access) === 0) return -11;
  return page.file >= (page.object?.length ?? FILE_PAGES) ? -7 : 0;
}

function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof Errno) return undefined;
    throw error;
  }
}

test('whatever is called, memory has what was written, and nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 30, maxLength: 150, size: 'max' }), (steps) => {
      const game = new Game();
      for (const step of steps) game.play(step);
      game.end();
    }),
    { numRuns: Number(process.env['RUNS'] ?? 60) },
  );
}, 120_000);
