import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HOST_READ } from '../host/cpu.js';
import { KernelBuffer } from '../lib/io-buffer.js';
import { EIO, ENOSPC, Errno } from '../uapi/errno.js';
import { MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from '../uapi/mman.js';
import { SIGBUS } from '../uapi/signal.js';
import { PageCache, type PageStore } from './page-cache.js';
import { reclaim } from './reclaim.js';
import { Guest, TestMachine, checkHost } from './testing.js';

const PAGE = 4096;
const RW = PROT_READ | PROT_WRITE;

/** A disk file in an array. */
class DiskStore implements PageStore {
  readonly reclaimable: boolean = true;
  readonly describe = { dev: 2049, ino: 12 };
  disk: Uint8Array;
  fills = 0;
  bytesWritten = 0;
  unreadable = -1;
  writeError: Errno | undefined;

  constructor(
    public size: number,
    fillWith: (at: number) => number = () => 0,
  ) {
    this.disk = Uint8Array.from({ length: size }, (_, at) => fillWith(at));
  }

  fill(offset: number, into: Uint8Array): void {
    this.fills++;
    if (this.unreadable >= offset && this.unreadable < offset + into.length) throw EIO;
    into.fill(0);
    into.set(this.disk.subarray(offset, Math.min(this.disk.length, offset + into.length)));
  }
  writeBack(offset: number, from: Uint8Array): number {
    if (this.writeError !== undefined) throw this.writeError;
    expect(offset + from.length).toBeLessThanOrEqual(this.size);
    if (this.disk.length < offset + from.length) {
      const grown = new Uint8Array(offset + from.length);
      grown.set(this.disk);
      this.disk = grown;
    }
    this.disk.set(from, offset);
    this.bytesWritten += from.length;
    return 0;
  }
  makeWritable(): void {}
}

class MemoryStore extends DiskStore {
  override readonly reclaimable = false;
  charged = 0;
  limit = Infinity;
  charge(count: number): void {
    if (count > 0 && this.charged + count > this.limit) throw ENOSPC;
    this.charged += count;
  }
}

const pattern = (at: number): number => (at * 7 + (at >>> 8)) & 0xff;

function read(cache: PageCache, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, cache.read(position, new KernelBuffer(bytes)));
}

/** As toEqual, which takes seconds for this many bytes. */
function expectSame(bytes: Uint8Array, expected: Uint8Array): void {
  expect(bytes.length).toBe(expected.length);
  if (Buffer.compare(bytes, expected) === 0) return;
  const at = bytes.findIndex((byte, index) => byte !== expected[index]);
  expect({ at, byte: bytes[at] }).toEqual({ at: -1, byte: undefined });
}

/** As a file system does: the size grows with what is written. */
function write(cache: PageCache, store: DiskStore, position: number, bytes: Uint8Array): number {
  const count = cache.write(position, new KernelBuffer(bytes));
  if (position + count > store.size) store.size = position + count;
  return count;
}

test('reads what the store has, once, and is short at the end', () => {
  const machine = new TestMachine();
  const store = new DiskStore(100_000, pattern);
  const cache = new PageCache(machine.memory, store);
  expectSame(read(cache, 5000, 20_000), store.disk.subarray(5000, 25_000));
  const { fills } = store;
  expectSame(read(cache, 5000, 20_000), store.disk.subarray(5000, 25_000));
  expect(store.fills).toBe(fills);
  expect(read(cache, 99_990, 100)).toHaveLength(10);
  expect(read(cache, 100_000, 100)).toHaveLength(0);
});

test('reading from front to back takes few, growing requests, in consecutive frames', () => {
  const machine = new TestMachine();
  const store = new DiskStore(4 << 20, pattern);
  const cache = new PageCache(machine.memory, store);
  for (let at = 0; at < 4 << 20; at += PAGE) read(cache, at, PAGE);
  expect(store.fills).toBeLessThan(22);
  expect(cache.tree.run(0, 1024)).toBe(1024);
});

test('what was written is read, and reaches the store at a sync only', () => {
  const machine = new TestMachine();
  const store = new DiskStore(10_000, pattern);
  const cache = new PageCache(machine.memory, store);
  write(cache, store, 9000, new Uint8Array(20_000).fill(1));
  expect(read(cache, 8990, 20).slice(0, 10)).toEqual(store.disk.subarray(8990, 9000));
  expect(read(cache, 28_990, 100)).toEqual(new Uint8Array(10).fill(1));
  expect(store.bytesWritten).toBe(0);
  expect(machine.memory.dirtyPages).toBe(6);
  expect(cache.sync()).toBe(0);
  expect(machine.memory.dirtyPages).toBe(0);
  expect(store.disk).toHaveLength(29_000);
  expect(store.disk[8999]).toBe(pattern(8999));
  expect(store.disk[28_999]).toBe(1);
});

test('dirty pages are written when they have been so for long', () => {
  const machine = new TestMachine();
  const store = new DiskStore(0);
  const cache = new PageCache(machine.memory, store);
  write(cache, store, 0, new Uint8Array(100).fill(3));
  machine.host.clock.time = 29e9;
  machine.kernel.scheduler.timers.run();
  expect(store.disk).toHaveLength(0);
  machine.host.clock.time = 36e9;
  machine.kernel.scheduler.timers.run();
  expect(store.disk).toHaveLength(100);
  expect(machine.kernel.scheduler.timers.next()).toBe(Infinity);
});

test('a failed write-back is told once', () => {
  const machine = new TestMachine();
  const store = new DiskStore(0);
  const cache = new PageCache(machine.memory, store);
  store.writeError = EIO;
  write(cache, store, 0, new Uint8Array(100));
  machine.memory.writeback.all();
  expect(() => cache.sync()).toThrow(EIO as never);
  expect(cache.sync()).toBe(0);
});

test('one unreadable page spoils only itself', () => {
  const machine = new TestMachine();
  const store = new DiskStore(64 * PAGE, pattern);
  store.unreadable = 5 * PAGE;
  const cache = new PageCache(machine.memory, store);
  expect(read(cache, 0, 64 * PAGE)).toHaveLength(5 * PAGE);
  expect(() => read(cache, 5 * PAGE, PAGE)).toThrow(EIO as never);
  expect(read(cache, 6 * PAGE, PAGE)).toHaveLength(PAGE);
});

test('a shared mapping and the file are one; writes through it become dirty again after a sync', () => {
  const machine = new TestMachine();
  const guest = new Guest(machine, machine.newSpace());
  const store = new DiskStore(3 * PAGE + 5, pattern);
  const cache = new PageCache(machine.memory, store);
  const { space } = guest;
  const at = space.map({ address: 0, length: 8 * PAGE, protection: RW, flags: MAP_SHARED, mappable: cache });
  expect(guest.read(at + 5000)).toBe(pattern(5000));
  expect(machine.memory.dirtyPages).toBe(0);
  guest.write(at + 5000, 1);
  expect(machine.memory.dirtyPages).toBe(1);
  expect(read(cache, 5000, 1)[0]).toBe(1);
  write(cache, store, 5001, new Uint8Array([2]));
  expect(guest.read(at + 5001)).toBe(2);
  cache.sync();
  expect(store.disk[5000]).toBe(1);
  checkHost(space);
  guest.write(at + 5002, 3);
  expect(machine.memory.dirtyPages).toBe(1);
  space.putU8(at + 3 * PAGE, 9);
  expect(machine.memory.dirtyPages).toBe(2);
  cache.sync();
  expect(store.disk.subarray(5000, 5003)).toEqual(new Uint8Array([1, 2, 3]));
  expect(guest.touch(at + 4 * PAGE, HOST_READ)).toEqual({ signal: SIGBUS, code: 2 });
  checkHost(space);
});

test('truncation takes pages from mappings, private copies included, and zeroes the tail', () => {
  const machine = new TestMachine();
  const free = machine.memory.frames.free;
  const guest = new Guest(machine, machine.newSpace());
  const store = new DiskStore(8 * PAGE, pattern);
  const cache = new PageCache(machine.memory, store);
  const { space } = guest;
  const map = (flags: number): number =>
    space.map({ address: 0, length: 8 * PAGE, protection: RW, flags, mappable: cache });
  const shared = map(MAP_SHARED);
  const own = map(MAP_PRIVATE);
  guest.read(shared + 3 * PAGE);
  guest.write(own + 3 * PAGE, 1);
  guest.write(own + PAGE, 2);
  store.size = 2 * PAGE + 100;
  cache.truncate(store.size);
  for (const base of [shared, own]) expect(guest.read(base + 3 * PAGE)).toBe(-SIGBUS);
  expect(guest.read(own + PAGE)).toBe(2);
  expect(guest.read(shared + 2 * PAGE + 99)).toBe(pattern(2 * PAGE + 99));
  expect(guest.read(shared + 2 * PAGE + 100)).toBe(0);
  checkHost(space);
  space.leave();
  cache.dispose();
  expect(machine.freeFrames).toBe(free);
});

test('a private mapping keeps its copy whatever happens to the file', () => {
  const machine = new TestMachine();
  const guest = new Guest(machine, machine.newSpace());
  const store = new DiskStore(4 * PAGE, pattern);
  const cache = new PageCache(machine.memory, store);
  const at = guest.space.map({
    address: 0,
    length: 4 * PAGE,
    protection: RW,
    flags: MAP_PRIVATE,
    mappable: cache,
  });
  guest.write(at + 10, 99);
  write(cache, store, 0, new Uint8Array(PAGE).fill(7));
  expect(guest.read(at + 10)).toBe(99);
  cache.punch(0, 4 * PAGE);
  expect(guest.read(at + 10)).toBe(99);
  expect(read(cache, 10, 1)[0]).toBe(pattern(10));
  checkHost(guest.space);
});

test('memory without a store: holes cost nothing, pages are charged for', () => {
  const machine = new TestMachine();
  const free = machine.memory.frames.free;
  const store = new MemoryStore(100 * PAGE);
  const cache = new PageCache(machine.memory, store);
  store.limit = 10;
  expectSame(read(cache, 0, 50 * PAGE), new Uint8Array(50 * PAGE));
  expect(store.charged).toBe(0);
  expect(write(cache, store, 5 * PAGE + 1, new Uint8Array(3 * PAGE).fill(1))).toBe(3 * PAGE);
  expect(store.charged).toBe(4);
  expect(cache.nextResident(0)).toBe(5 * PAGE);
  expect(cache.nextAbsent(5 * PAGE)).toBe(9 * PAGE);
  expect(cache.nextResident(9 * PAGE)).toBe(Infinity);
  expect(write(cache, store, 20 * PAGE, new Uint8Array(8 * PAGE).fill(1))).toBe(6 * PAGE);
  expect(() => write(cache, store, 40 * PAGE, new Uint8Array(PAGE))).toThrow(ENOSPC as never);
  cache.punch(5 * PAGE + 10, 8 * PAGE + 10);
  expect(store.charged).toBe(8);
  expect(read(cache, 5 * PAGE, 12)).toEqual(new Uint8Array([0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]));
  store.limit = 100;
  cache.allocate(0, 10 * PAGE);
  expect(cache.residentPages).toBe(16);
  cache.dispose();
  expect(store.charged).toBe(0);
  expect(machine.freeFrames).toBe(free);
});

test('a source that faults half-way leaves no garbage in the file', () => {
  const machine = new TestMachine();
  const guest = new Guest(machine, machine.newSpace());
  const { space } = guest;
  const at = space.map({ address: 0, length: 2 * PAGE, protection: RW, flags: MAP_PRIVATE | 0x20 });
  space.unmap(at + PAGE, PAGE);
  guest.write(at + PAGE - 100, 5);
  const store = new DiskStore(8 * PAGE, pattern);
  const cache = new PageCache(machine.memory, store);
  // Recycled frames have something in them.
  const frames = machine.memory.frames.allocateRun(512, false);
  machine.memory.frames.runBytes(frames, 512).fill(0xee);
  machine.memory.frames.dropRun(frames, 512);
  const buffer = space.buffer(at + PAGE - 100, 3 * PAGE);
  expect(cache.write(PAGE, buffer)).toBe(100);
  expect(buffer.fault).toBe(true);
  expect(read(cache, PAGE, 1)[0]).toBe(5);
  expect(read(cache, PAGE + 100, 4000)).toEqual(store.disk.subarray(PAGE + 100, PAGE + 4100));
  expect(read(cache, 2 * PAGE, 4000)).toEqual(store.disk.subarray(2 * PAGE, 2 * PAGE + 4000));
});

test('reclaim takes what was used once first, and never what is dirty or only in memory', () => {
  const machine = new TestMachine(2048);
  const { memory } = machine;
  const hot = new PageCache(memory, new DiskStore(100 * PAGE, pattern));
  read(hot, 0, 100 * PAGE);
  read(hot, 0, 100 * PAGE);
  const cold = new PageCache(memory, new DiskStore(100 * PAGE, pattern));
  read(cold, 0, 100 * PAGE);
  const tmp = new PageCache(memory, new MemoryStore(0));
  tmp.write(0, new KernelBuffer(new Uint8Array(50 * PAGE).fill(1)));
  expect(reclaim(memory, 100)).toBe(100);
  expect(cold.residentPages).toBe(0);
  expect(hot.residentPages).toBe(100);
  reclaim(memory, Infinity);
  expect(hot.residentPages).toBe(0);
  expect(tmp.residentPages).toBe(50);
});

test('a file larger than memory can be read, and written', () => {
  const machine = new TestMachine(512);
  const store = new DiskStore(2000 * PAGE, pattern);
  const cache = new PageCache(machine.memory, store);
  const buffer = new Uint8Array(37 * PAGE);
  for (let at = 0; at < store.size; at += buffer.length) {
    const count = cache.read(at, new KernelBuffer(buffer));
    expectSame(buffer.subarray(0, count), store.disk.subarray(at, at + count));
  }
  for (let at = 0; at < store.size; at += PAGE)
    cache.write(at, new KernelBuffer(buffer.subarray(0, PAGE).fill(at / PAGE)));
  expect(read(cache, 1234 * PAGE, 1)[0]).toBe(1234 & 0xff);
  cache.sync();
  for (let page = 0; page < 2000; page++) expect(store.disk[page * PAGE]).toBe(page & 0xff);
});

const step = fc.record({
  kind: fc.constantFrom(
    'read',
    'write',
    'write',
    'truncate',
    'punch',
    'sync',
    'reclaim',
    'invalidate',
    'poke',
    'peek',
  ),
  at: fc.nat(200_000),
  length: fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.constantFrom(4096, 8192, 1, 65_536)),
  value: fc.nat(255),
});

test('any sequence of operations agrees with an array', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), (steps) => {
      const machine = new TestMachine(300);
      const free = machine.memory.frames.free;
      const guest = new Guest(machine, machine.newSpace());
      const store = new DiskStore(150_000, pattern);
      const cache = new PageCache(machine.memory, store);
      let model = store.disk.slice();
      const base = guest.space.map({
        address: 0,
        length: 64 * PAGE,
        protection: RW,
        flags: MAP_SHARED,
        mappable: cache,
      });
      for (const { kind, at, length, value } of steps) {
        const end = at + length;
        switch (kind) {
          case 'read':
            expectSame(
              read(cache, at, length),
              model.subarray(at, Math.max(at, Math.min(end, model.length))),
            );
            break;
          case 'write': {
            // What a file gains by a write beyond its end is zeros, of which the store knows.
            if (at > store.size) resize(at);
            if (end > model.length) grow(end);
            write(cache, store, at, new Uint8Array(length).fill(value));
            model.fill(value, at, end);
            break;
          }
          case 'truncate':
            resize(at);
            break;
          case 'punch': {
            const to = Math.min(end, model.length);
            if (at >= to) break;
            // The store's part: whole pages of it are zeros.
            const first = Math.ceil(at / PAGE) * PAGE;
            const last = Math.floor(to / PAGE) * PAGE;
            if (first < last) store.disk.fill(0, first, last);
            cache.punch(at, to);
            model.fill(0, at, to);
            break;
          }
          case 'sync':
            cache.sync();
            expectSame(store.disk.subarray(0, model.length), model.subarray(0, store.disk.length));
            break;
          case 'reclaim':
            reclaim(machine.memory, length >>> 8);
            break;
          case 'invalidate':
            cache.sync();
            cache.invalidate(at, end);
            break;
          case 'poke': {
            const result = guest.write(base + at, value);
            if (Math.floor(at / PAGE) * PAGE >= store.size) expect(result).toBe(-SIGBUS);
            else if (at < model.length) model[at] = value;
            break;
          }
          case 'peek':
            if (at < model.length) expect(guest.read(base + at)).toBe(model[at]);
        }
        checkHost(guest.space);
      }
      guest.space.leave();
      cache.dispose();
      expect(machine.freeFrames).toBe(free);
      expect(machine.memory.dirtyPages).toBe(0);
      expect(machine.memory.cachedPages).toBe(0);

      function grow(size: number): void {
        const grown = new Uint8Array(size);
        grown.set(model);
        model = grown;
      }
      function resize(size: number): void {
        if (size > store.size) cache.extend(store.size);
        store.size = size;
        cache.truncate(size);
        if (store.disk.length > size) store.disk = store.disk.slice(0, size);
        if (size > model.length) grow(size);
        else model = model.slice(0, size);
      }
    }),
    { numRuns: Number(process.env['RUNS'] ?? 40) },
  );
}, 120_000);
