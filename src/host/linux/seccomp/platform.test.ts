import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  HOST_EXEC,
  HOST_READ,
  HOST_WRITE,
  R10,
  R8,
  R9,
  RAX,
  RBX,
  RDI,
  RDX,
  RIP,
  RSI,
  TRAP_DIED,
  TRAP_EXCEPTION,
  TRAP_FOREIGN_SYSCALL,
  TRAP_INTERRUPTED,
  TRAP_PAGE_FAULT,
  TRAP_SYSCALL,
} from '../../cpu.js';
import { at, eax, ecx, r10d, r8d, r9d, rax, rbx, rcx, rdi, rdx, rsi } from './assembler.js';
import { kill } from './libc.js';
import { SIGFPE, SIGILL, SIGKILL, SIGSEGV, SIGTRAP } from './system-calls.js';
import type { SeccompContext } from './context.js';
import type { SeccompSpace } from './space.js';
import { CODE, DATA, DATA_PHYSICAL, getRegister, setRegister, TestMachine } from './testing.js';

let machine: TestMachine;
const availableBefore = availableParallelism();
beforeAll(() => {
  machine = new TestMachine();
});
afterAll(() => machine.close());

describe('system calls', () => {
  test('trap with their number and arguments, and return what the kernel puts into rax', () => {
    const context = machine.start((a) => {
      a.mov(eax, 39).mov(rdi, 1).mov(rsi, 2).mov(rdx, 3).mov(r10d, 4).mov(r8d, 5).mov(r9d, 6).syscall();
      a.mov(rdi, rax).mov(eax, 60).syscall();
    });
    expect(machine.trap() === context).toBe(true);
    expect(context.trap).toBe(TRAP_SYSCALL);
    expect(context.syscallNumber).toBe(39);
    expect([RDI, RSI, RDX, R10, R8, R9].map((register) => getRegister(context, register))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    setRegister(context, RAX, 4711);
    context.resume();
    expect(machine.trap().syscallNumber).toBe(60);
    expect(getRegister(context, RDI)).toBe(4711);
    context.space.destroy();
  });

  test('of the i386 entry are foreign', () => {
    const context = machine.start((a) => a.mov(eax, 20).int(0x80).mov(rdi, rax).mov(eax, 60).syscall());
    machine.trap();
    expect(context.trap).toBe(TRAP_FOREIGN_SYSCALL);
    context.gregs[2 * RAX] = -38;
    context.resume();
    expect(machine.trap().syscallNumber).toBe(60);
    context.space.destroy();
  });
});

describe('page faults', () => {
  test('tell the address and the kind of access, and go on once there is memory', () => {
    const context = machine.start((a) => {
      a.mov(rbx, 0x40_0000).mov(rax, at(rbx, 0x18)).mov(at(rbx, 0x1010), rax).jmpRegister(rbx);
    });
    machine.trap();
    expect([context.trap, context.faultAddress, context.faultAccess]).toEqual([
      TRAP_PAGE_FAULT,
      0x40_0018,
      HOST_READ,
    ]);
    context.space.map(0x40_0000, 0x1000, HOST_READ, 0x20_0000);
    context.resume();
    machine.trap();
    expect([context.trap, context.faultAddress, context.faultAccess]).toEqual([
      TRAP_PAGE_FAULT,
      0x40_1010,
      HOST_WRITE,
    ]);
    context.space.map(0x40_1000, 0x1000, HOST_READ | HOST_WRITE, 0x20_1000);
    context.resume();
    machine.trap();
    expect([context.trap, context.faultAddress, context.faultAccess]).toEqual([
      TRAP_PAGE_FAULT,
      0x40_0000,
      HOST_EXEC,
    ]);
    context.space.destroy();
  });

  test('protect and unmap take effect, and holes in the range do not matter', () => {
    const context = machine.start((a) => {
      a.mov(rbx, DATA).mov(at(rbx), rbx).mov(eax, 1).syscall().mov(at(rbx), rbx).mov(rax, at(rbx)).ud2();
    });
    machine.trap();
    context.space.map(DATA + 0x4_0000, 0x1000, HOST_READ, 0);
    context.space.protect(0, 0x40_0000, HOST_READ | HOST_EXEC);
    context.resume();
    machine.trap();
    expect([context.faultAddress, context.faultAccess]).toEqual([DATA, HOST_WRITE]);
    setRegister(context, RIP, getRegister(context, RIP) + 7); // the store is 7 bytes long
    context.space.unmap(DATA - 0x1000, 0x2000);
    context.resume();
    machine.trap();
    expect([context.trap, context.faultAddress, context.faultAccess]).toEqual([
      TRAP_PAGE_FAULT,
      DATA,
      HOST_READ,
    ]);
    context.space.clear();
    context.resume();
    machine.trap();
    expect([context.trap, context.faultAccess]).toEqual([TRAP_PAGE_FAULT, HOST_EXEC]);
    context.space.destroy();
  });

  test('on addresses that no page can have are exceptions', () => {
    const context = machine.start((a) => a.movabs(rbx, 0x9000_0000_0000).mov(rax, at(rbx)));
    machine.trap();
    expect([context.trap, context.signal]).toEqual([TRAP_EXCEPTION, SIGSEGV]);
    context.space.destroy();
  });
});

test('exceptions tell the signal', () => {
  const context = machine.start((a) => a.int(3).ud2().mov(eax, 1).mov(rdx, 0).mov(rcx, 0).raw(0xf7, 0xf1));
  machine.trap();
  expect([context.trap, context.signal, context.trapNumber]).toEqual([TRAP_EXCEPTION, SIGTRAP, 3]);
  context.resume();
  machine.trap();
  expect([context.trap, context.signal]).toEqual([TRAP_EXCEPTION, SIGILL]);
  setRegister(context, RIP, getRegister(context, RIP) + 2);
  context.resume();
  machine.trap();
  expect([context.trap, context.signal, context.signalCode]).toEqual([TRAP_EXCEPTION, SIGFPE, 1]);
  context.space.destroy();
});

test('an endless loop can be interrupted and goes on afterwards', () => {
  const context = machine.start((a) => a.label('loop').op('add', rbx, 1).jmp('loop'));
  expect(machine.next(20)).toBeUndefined();
  context.interrupt();
  expect(machine.trap().trap).toBe(TRAP_INTERRUPTED);
  const count = getRegister(context, RBX);
  expect(count).toBeGreaterThan(1000);
  // On a busy host the thread may not have run yet when the interrupt reaches it.
  for (let tries = 0; tries < 200 && getRegister(context, RBX) === count; tries++) {
    context.resume();
    expect(machine.next(5)).toBeUndefined();
    context.interrupt();
    machine.trap();
  }
  expect(getRegister(context, RBX)).toBeGreaterThan(count);
  context.space.destroy();
});

test('a fork has the same mappings, which then go their own way', () => {
  const parent = machine.start((a) =>
    a.mov(rbx, DATA).mov(rax, at(rbx)).mov(eax, 1).syscall().mov(rdx, at(rbx)).syscall(),
  );
  machine.trap();
  const space = parent.space.fork();
  const child = space.createContext();
  if (child === undefined) throw new Error('no context in the fork');
  child.copyFrom(parent);
  machine.bytes.fill(0, DATA_PHYSICAL + 0x10000, DATA_PHYSICAL + 0x10008);
  machine.bytes[DATA_PHYSICAL + 0x10000] = 77;
  machine.bytes[DATA_PHYSICAL] = 33;
  space.map(DATA, 0x1000, HOST_READ, DATA_PHYSICAL + 0x10000);
  child.resume();
  expect(machine.trap() === child).toBe(true);
  expect(getRegister(child, RDX)).toBe(77);
  parent.resume();
  expect(machine.trap() === parent).toBe(true);
  expect(getRegister(parent, RDX)).toBe(33);
  space.destroy();
  parent.space.destroy();
});

test('a fork carries out what is queued, and the child sees it', () => {
  const parent = machine.start((a) => a.mov(rbx, DATA).mov(eax, 1).syscall().mov(at(rbx), rbx).syscall());
  machine.trap();
  parent.space.protect(DATA, 0x1000, HOST_READ);
  const children = Array.from({ length: 40 }, (_, index) => {
    parent.space.map(DATA + 0x10_0000 + index * 0x2000, 0x1000, HOST_READ, 0x20_0000);
    const space = parent.space.fork();
    const child = space.createContext();
    if (child === undefined) throw new Error('no context in the fork');
    child.copyFrom(parent);
    return child;
  });
  for (const context of [parent, ...children]) {
    context.resume();
    expect(machine.trap() === context).toBe(true);
    expect([context.trap, context.faultAddress, context.faultAccess]).toEqual([
      TRAP_PAGE_FAULT,
      DATA,
      HOST_WRITE,
    ]);
  }
  for (const { space } of [parent, ...children]) space.destroy();
});

test('many threads of one space run, and their places are used again', () => {
  const space = machine.space((a) => a.mov(rax, rdi).syscall().syscall());
  for (let round = 0; round < 2; round++) {
    const contexts = Array.from({ length: 40 }, (_, index) => {
      const context = machine.context(space);
      setRegister(context, RDI, 1000 + index);
      context.resume();
      return context;
    });
    const seen = contexts.map(() => machine.trap().syscallNumber);
    expect(seen.sort((a, b) => a - b)).toEqual(contexts.map((_, index) => 1000 + index));
    for (const context of contexts) context.destroy();
  }
  space.destroy();
});

test('segment bases are read and set', () => {
  const context = machine.context(
    machine.space((a) => a.rdfsbase(rdi).rdgsbase(rsi).mov(rbx, 0x5000).wrfsbase(rbx).syscall()),
  );
  context.setFsBase(0x7abc_1234_5678);
  context.setGsBase(0x1000);
  context.resume();
  machine.trap();
  expect(getRegister(context, RDI)).toBe(0x7abc_1234_5678);
  expect(getRegister(context, RSI)).toBe(0x1000);
  expect(context.getFsBase()).toBe(0x5000);
  context.space.destroy();
});

test('the FPU state survives traps, can be copied and reset', () => {
  // pcmpeqd xmm0, xmm0; syscall; movq rdi, xmm0; syscall
  const context = machine.start((a) => {
    a.raw(0x66, 0x0f, 0x76, 0xc0).syscall().raw(0x66, 0x48, 0x0f, 0x7e, 0xc7).syscall();
  });
  machine.trap();
  const other = context.space.createContext();
  if (other === undefined) throw new Error('no second context');
  other.copyFrom(context);
  context.resume();
  machine.trap();
  expect([...context.gregs.subarray(2 * RDI, 2 * RDI + 2)]).toEqual([-1, -1]);
  setRegister(context, RDI, 0);
  other.resume();
  expect(machine.trap() === other).toBe(true);
  expect([...other.gregs.subarray(2 * RDI, 2 * RDI + 2)]).toEqual([-1, -1]);
  other.resetFpu();
  setRegister(other, RIP, CODE + 6);
  other.resume();
  machine.trap();
  expect(getRegister(other, RDI)).toBe(0);
  context.space.destroy();
});

test('a stub that is killed reports its running contexts as died, and takes nothing with it', () => {
  const context = machine.start((a) => a.label('loop').jmp('loop'));
  const other = machine.start((a) => a.label('loop').mov(ecx, 1).jmp('loop'));
  kill((context.space as SeccompSpace).process.pid, SIGKILL);
  expect(machine.trap() === context).toBe(true);
  expect(context.trap).toBe(TRAP_DIED);
  expect(context.space.alive).toBe(false);
  context.space.map(CODE, 0x1000, HOST_READ, 0);
  context.space.flush();
  expect(context.space.createContext()).toBeUndefined();
  context.space.destroy();
  other.interrupt();
  expect(machine.trap() === other).toBe(true);
  other.space.destroy();
});

test('CPU time is counted for each context', () => {
  const space = machine.space((a) =>
    a.mov(ecx, 20_000_000).label('loop').op('sub', ecx, 1).j('ne', 'loop').syscall(),
  );
  const first = machine.context(space);
  first.resume();
  machine.trap();
  const used = first.cpuTimeNs();
  expect(used).toBeGreaterThan(1e6);
  const second = machine.context(space);
  expect(second.cpuTimeNs()).toBeLessThan(1e6);
  second.resume();
  machine.trap();
  expect(second.cpuTimeNs()).toBeGreaterThan(1e6);
  expect(first.cpuTimeNs()).toBeLessThan(used + 1e6);
  second.destroy();
  expect(first.cpuTimeNs()).toBeGreaterThanOrEqual(used);
  const third = machine.context(space);
  expect(third.cpuTimeNs()).toBeLessThan(1e6);
  space.destroy();
});

test('a zygote that is killed is replaced', () => {
  const before = machine.start((a) => a.mov(eax, 1).syscall());
  machine.trap();
  kill(machine.platform.zygotePid, SIGKILL);
  for (let tries = 0; tries < 3; tries++) machine.platform.createSpace().destroy();
  const after = machine.start((a) => a.mov(eax, 2).syscall());
  expect(machine.trap() === after).toBe(true);
  expect([before.space.alive, after.syscallNumber]).toEqual([true, 2]);
  before.space.destroy();
  after.space.destroy();
});

test('guest threads and the kernel thread do not share a processor if there are others', () => {
  const allowed = (path: string): string | undefined =>
    /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync(`/proc/${path}/status`, 'latin1'))?.[1];
  const context = machine.start((a) => a.mov(eax, 1).syscall());
  machine.trap();
  const { pid } = (context.space as SeccompSpace).process;
  const home = allowed('thread-self');
  expect(allowed(`${pid}`)).toBe(home);
  const guest = allowed(`${pid}/task/${(context as SeccompContext).tid}`);
  if (/^\d+$/.test(home ?? '') && availableBefore > 1) expect(guest).not.toBe(home);
  context.space.destroy();
});

test('memory is shared with the kernel while a thread runs', () => {
  const space = machine.space((a) => {
    a.mov(rbx, DATA).label('loop').mov(rax, at(rbx)).op('cmp', rax, 0).j('e', 'loop').syscall();
  });
  const waiter = machine.context(space);
  waiter.resume();
  expect(machine.next(5)).toBeUndefined();
  machine.bytes[DATA_PHYSICAL] = 9;
  expect(machine.trap().syscallNumber).toBe(9);
  space.destroy();
});
