import { expect, test } from 'vitest';
import { HOST_EXEC, HOST_READ, HOST_WRITE } from '../host/cpu.js';
import type { FakeSpace } from '../host/fake/cpu.js';
import { EEXIST, EFAULT, EINVAL, ENOMEM } from '../uapi/errno.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from '../uapi/mman.js';
import { SIGBUS, SIGSEGV } from '../uapi/signal.js';
import { sys_brk, sys_mmap, sys_munmap } from './mmap.js';
import { sys_mprotect } from './mprotect.js';
import { SharedMemory } from './shmem.js';
import { Guest, TestMachine, checkHost } from './testing.js';

const RW = PROT_READ | PROT_WRITE;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS;
const BASE = 0x1000_0000;

function start(frames = 4096): { machine: TestMachine; guest: Guest; free: number } {
  const machine = new TestMachine(frames);
  const free = machine.kernel.frames.free;
  return { machine, guest: new Guest(machine, machine.newSpace()), free };
}

test('fresh memory reads as zeros, keeps what is written, and comes in runs', () => {
  const { guest } = start();
  const { space } = guest;
  const at = space.map({ address: 0, length: 1 << 20, protection: RW, flags: ANON });
  expect(guest.read(at + 5000)).toBe(0);
  expect(space.anonPages).toBe(16);
  expect(guest.write(at + 5000, 42)).toBe(0);
  expect(guest.read(at + 5000)).toBe(42);
  expect(space.getU8(at + 5000)).toBe(42);
  for (let offset = 0; offset < 1 << 20; offset += 4096) guest.write(at + offset, 1);
  expect(guest.host.counts.map).toBeLessThan(6);
  expect(guest.host.runs).toBe(1);
  checkHost(space);
});

test('everything is freed in the end', () => {
  const { guest, machine, free } = start();
  const { space } = guest;
  const at = space.map({ address: 0, length: 3 << 20, protection: RW, flags: ANON });
  for (let offset = 0; offset < 3 << 20; offset += 4096) guest.write(at + offset, 1);
  const child = new Guest(machine, space.fork());
  child.write(at, 3);
  guest.write(at + 4096, 4);
  space.unmap(at + 8192, 1 << 20);
  checkHost(space);
  checkHost(child.space);
  space.leave();
  child.space.leave();
  expect(machine.freeFrames).toBe(free);
  expect(machine.memory.committedPages).toBe(0);
});

test('an access that nothing permits is SIGSEGV with the right code', () => {
  const { guest } = start();
  const { space } = guest;
  space.map({ address: BASE, length: 4096, protection: PROT_READ, flags: ANON | MAP_FIXED });
  space.map({ address: BASE + 4096, length: 4096, protection: PROT_NONE, flags: ANON | MAP_FIXED });
  expect(guest.touch(BASE, HOST_WRITE)).toEqual({ signal: SIGSEGV, code: 2 });
  expect(guest.touch(BASE, HOST_EXEC)).toEqual({ signal: SIGSEGV, code: 2 });
  expect(guest.touch(BASE + 4096, HOST_READ)).toEqual({ signal: SIGSEGV, code: 2 });
  expect(guest.touch(BASE + 8192, HOST_READ)).toEqual({ signal: SIGSEGV, code: 1 });
  expect(guest.touch(BASE, HOST_READ)).toBeUndefined();
});

test('after fork each side sees its own writes', () => {
  const { guest, machine } = start();
  const { space } = guest;
  const at = space.map({ address: 0, length: 64 << 12, protection: RW, flags: ANON });
  for (let page = 0; page < 64; page++) guest.write(at + page * 4096, page);
  const child = new Guest(machine, space.fork());
  expect(child.read(at + 4096 * 7)).toBe(7);
  child.write(at + 4096 * 7, 100);
  guest.write(at + 4096 * 8, 200);
  expect(guest.read(at + 4096 * 7)).toBe(7);
  expect(child.read(at + 4096 * 8)).toBe(8);
  checkHost(space);
  checkHost(child.space);
  child.space.leave();
  expect(machine.freeFrames).toBeGreaterThan(0);
  const before = guest.host.counts.map;
  guest.write(at + 4096 * 30, 1);
  expect(guest.host.counts.map).toBe(before);
  expect(guest.read(at + 4096 * 30)).toBe(1);
  checkHost(space);
});

test('the kernel honours copy-on-write and protections', () => {
  const { guest, machine } = start();
  const { space } = guest;
  const at = space.map({ address: 0, length: 8192, protection: RW, flags: ANON });
  space.copyOut(at, new Uint8Array([1, 2, 3]));
  const child = space.fork();
  space.putU32(at, 0x01020304);
  expect(child.getU32(at)).toBe(0x030201);
  expect(space.getU64(at)).toBe(0x01020304);
  new Guest(machine, space).call(sys_mprotect, at, 4096, PROT_READ);
  expect(() => space.putU32(at, 1)).toThrow(EFAULT as never);
  expect(space.copyOutPartial(at - 4096, new Uint8Array(5))).toBe(0);
  expect(() => space.getU32(at + 8192)).toThrow(EFAULT as never);
  expect(() => space.getU32(2 ** 63)).toThrow(EFAULT as never);
  expect(space.copyInto(at + 8000, new Uint8Array(400))).toBe(192);
});

test('strings may cross pages, end at their NUL, and fault where nothing is', () => {
  const { guest } = start();
  const { space } = guest;
  const at = space.map({ address: 0, length: 8192, protection: RW, flags: ANON });
  space.copyOut(at + 4090, new TextEncoder().encode('hello, world'));
  expect(space.readString(at + 4090, 100)).toBe('hello, world');
  expect(space.readString(at + 4090, 12)).toBeUndefined();
  space.copyOut(at + 8188, new TextEncoder().encode('abcd'));
  expect(() => space.readString(at + 8188, 100)).toThrow(EFAULT as never);
});

test('buffers move user bytes and stop at a fault', () => {
  const { guest } = start();
  const { space } = guest;
  const at = space.map({ address: 0, length: 3 * 4096, protection: RW, flags: ANON });
  space.unmap(at + 8192, 4096);
  const buffer = space.buffer(at + 8000, 400);
  expect(buffer.put(new Uint8Array(400).fill(9))).toBe(192);
  expect(buffer.fault).toBe(true);
  expect(buffer.moved).toBe(192);
  const vector = space.vector([
    { address: at + 8000, length: 100 },
    { address: at, length: 0 },
    { address: at, length: 3 },
  ]);
  const bytes = new Uint8Array(103);
  expect(vector.get(bytes)).toBe(103);
  expect(bytes[99]).toBe(9);
  expect(bytes[100]).toBe(0);
  expect(() => space.buffer(space.top - 10, 11)).toThrow(EFAULT as never);
});

test('shared memory is seen by both sides of a fork, also where it is first touched later', () => {
  const { guest, machine, free } = start();
  const { space } = guest;
  const at = guest.call(sys_mmap, 0, 1 << 20, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0) as number;
  guest.write(at, 1);
  const child = new Guest(machine, space.fork());
  child.write(at, 2);
  child.write(at + 500_000, 3);
  expect(guest.read(at)).toBe(2);
  expect(guest.read(at + 500_000)).toBe(3);
  expect(machine.memory.shmemPages).toBeGreaterThan(0);
  checkHost(space);
  checkHost(child.space);
  space.leave();
  child.space.leave();
  expect(machine.freeFrames).toBe(free);
  expect(machine.memory.committedPages).toBe(0);
});

test('beyond the end of an object is SIGBUS', () => {
  const { guest, machine } = start();
  const object = new SharedMemory(machine.memory, 4096, false);
  const at = guest.space.map({
    address: 0,
    length: 8192,
    protection: RW,
    flags: MAP_SHARED,
    mappable: object,
  });
  expect(guest.write(at, 1)).toBe(0);
  expect(guest.touch(at + 4096, HOST_READ)).toEqual({ signal: SIGBUS, code: 2 });
});

test('mprotect divides areas, and they join again', () => {
  const { guest } = start();
  const { space } = guest;
  const areas = space.vmas.size;
  const at = space.map({ address: 0, length: 16 << 12, protection: RW, flags: ANON });
  for (let page = 0; page < 16; page++) guest.write(at + page * 4096, page);
  guest.call(sys_mprotect, at + 4 * 4096, 4 * 4096, PROT_READ);
  expect(space.vmas.size).toBe(areas + 3);
  checkHost(space);
  expect(guest.touch(at + 5 * 4096, HOST_WRITE)).toEqual({ signal: SIGSEGV, code: 2 });
  guest.call(sys_mprotect, at + 4 * 4096, 4 * 4096, PROT_NONE);
  checkHost(space);
  expect(guest.touch(at + 5 * 4096, HOST_READ)).toEqual({ signal: SIGSEGV, code: 2 });
  guest.call(sys_mprotect, at + 4 * 4096, 4 * 4096, RW);
  expect(space.vmas.size).toBe(areas + 1);
  expect(guest.read(at + 5 * 4096)).toBe(5);
  checkHost(space);
  expect(() => guest.call(sys_mprotect, at + 12 * 4096, 8 * 4096, PROT_READ)).toThrow(ENOMEM as never);
  expect(guest.touch(at + 15 * 4096, HOST_WRITE)).toEqual({ signal: SIGSEGV, code: 2 });
});

test('places: hints, fixed, no replace, and top down', () => {
  const { guest } = start();
  const { space } = guest;
  const map = (address: number, pages: number, flags: number): number =>
    space.map({ address, length: pages * 4096, protection: RW, flags: ANON | flags });
  const first = map(0, 2, 0);
  expect(first + 8192).toBe(space.layout.mmapBase);
  expect(map(0, 1, 0)).toBe(first - 4096);
  expect(map(BASE + 1, 1, 0)).toBe(BASE + 4096);
  expect(map(BASE + 4096, 1, 0)).toBe(first - 8192);
  expect(map(BASE, 1, MAP_FIXED)).toBe(BASE);
  expect(() => map(BASE + 1, 1, MAP_FIXED)).toThrow(EINVAL as never);
  expect(() => map(BASE, 1, MAP_FIXED_NOREPLACE)).toThrow(EEXIST as never);
  expect(() => map(space.top - 4096, 2, MAP_FIXED)).toThrow(ENOMEM as never);
  space.unmap(first, 4096);
  expect(map(0, 1, 0)).toBe(first);
  checkHost(space);
});

test('a stack grows within its limit and keeps away from what is below', () => {
  const { guest } = start();
  const { space } = guest;
  const top = 0x7000_0000_0000;
  space.map({
    address: top - 4096,
    length: 4096,
    protection: RW,
    flags: ANON | MAP_FIXED | MAP_GROWSDOWN,
  });
  expect(guest.write(top - 100_000, 1)).toBe(0);
  expect(guest.touch(top - (9 << 20), HOST_WRITE)).toEqual({ signal: SIGSEGV, code: 1 });
  space.map({ address: top - (4 << 20), length: 4096, protection: RW, flags: ANON | MAP_FIXED });
  expect(guest.touch(top - (4 << 20) + (1 << 20), HOST_WRITE)).toEqual({ signal: SIGSEGV, code: 1 });
  expect(guest.write(top - (4 << 20) + (1 << 20) + 4096, 1)).toBe(0);
  checkHost(space);
});

test('the heap grows and shrinks', () => {
  const { guest } = start();
  const { space } = guest;
  space.startBrk = space.brk = BASE + 100;
  expect(guest.call(sys_brk, 0)).toBe(BASE + 100);
  expect(guest.call(sys_brk, BASE + 10_000)).toBe(BASE + 10_000);
  expect(guest.write(BASE + 4096, 7)).toBe(0);
  expect(guest.call(sys_brk, BASE + 20_000)).toBe(BASE + 20_000);
  expect(space.vmas.overlapping(BASE, BASE + 20_480)).toHaveLength(1);
  expect(guest.call(sys_brk, BASE + 4097)).toBe(BASE + 4097);
  expect(guest.read(BASE + 4096)).toBe(7);
  expect(guest.touch(BASE + 8192, HOST_READ)).toEqual({ signal: SIGSEGV, code: 1 });
  space.map({ address: BASE + 16_384, length: 4096, protection: RW, flags: ANON | MAP_FIXED });
  expect(guest.call(sys_brk, BASE + 16_384)).toBe(BASE + 4097);
  checkHost(space);
});

test('munmap checks its arguments', () => {
  const { guest } = start();
  expect(() => guest.call(sys_munmap, 5, 4096)).toThrow(EINVAL as never);
  expect(() => guest.call(sys_munmap, 4096, 0)).toThrow(EINVAL as never);
  expect(() => guest.call(sys_munmap, 0, 2 ** 47)).toThrow(EINVAL as never);
  expect(guest.call(sys_munmap, 0x5000, 4096)).toBe(0);
});

test('when the host may keep few mappings, it forgets, and faults bring pages back', () => {
  const { guest, machine } = start();
  const { space } = guest;
  machine.memory.hostMappingLimit = 20;
  const at = space.map({ address: 0, length: 512 << 12, protection: RW, flags: ANON });
  for (let page = 0; page < 512; page++) guest.write(at + page * 4096, page & 0xff);
  for (let page = 0; page < 512; page += 2) guest.call(sys_mprotect, at + page * 4096, 4096, PROT_READ);
  expect((space.host as FakeSpace).runs).toBeLessThan(40);
  for (let page = 0; page < 512; page++) expect(guest.read(at + page * 4096)).toBe(page & 0xff);
  checkHost(space);
});

test('pages that both sides write after a fork are copied by the next one', () => {
  const { guest, machine } = start();
  const { space } = guest;
  const at = space.map({ address: 0, length: 64 << 12, protection: RW, flags: ANON });
  for (let page = 0; page < 64; page++) guest.write(at + page * 4096, page);
  const faults: number[] = [];
  for (let round = 1; round <= 3; round++) {
    const child = new Guest(machine, space.fork());
    const before = machine.memory.counters.pgfault;
    child.write(at + 20 * 4096, 100 + round);
    guest.write(at + 40 * 4096, 200 + round);
    faults.push(machine.memory.counters.pgfault - before);
    expect(child.read(at + 40 * 4096)).toBe(round === 1 ? 40 : 200 + round - 1);
    expect(guest.read(at + 20 * 4096)).toBe(20);
    checkHost(space);
    checkHost(child.space);
    child.space.leave();
    expect(machine.freeFrames).toBeGreaterThan(0);
  }
  expect(faults[0]).toBe(2);
  expect(faults[2]).toBe(0);
});

test('what is mapped in advance and replaced before the host was told costs the host nothing', () => {
  const { guest, machine } = start();
  const { space } = guest;
  const object = new SharedMemory(machine.memory, 32 << 12, false);
  for (let page = 0; page < 32; page++) machine.kernel.frames.drop(object.frameFor(page, true));
  const request = { length: 32 << 12, protection: PROT_READ, flags: MAP_PRIVATE, mappable: object };
  const at = space.map({ address: 0, ...request });
  space.map({
    address: at + (8 << 12),
    length: 8 << 12,
    protection: PROT_READ,
    flags: MAP_PRIVATE | MAP_FIXED,
    mappable: object,
    offset: 8 << 12,
  });
  expect(guest.host.counts).toEqual({ map: 0, unmap: 0, protect: 0, flush: 1 });
  guest.read(at);
  expect(guest.host.pages.size).toBe(32);
  checkHost(space);
});
