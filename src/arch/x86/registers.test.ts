import { expect, test } from 'vitest';
import { EFLAGS, GREG_COUNT, R10, R8, R9, RAX, RBX, RDI, RDX, RIP, RSI, RSP } from '../../host/cpu.js';
import type { Task } from '../../kernel/task.js';
import {
  getRegister,
  getResult,
  instructionPointer,
  readArguments,
  restartSyscall,
  setRegister,
  setResult,
  stackPointer,
  startChild,
  startProgram,
} from './registers.js';

/** As much of a context as registers need. */
class FakeContext {
  readonly gregs = new Int32Array(2 * GREG_COUNT);
  fsBase = 0x7000_0000_1000;
  gsBase = 5;
  fpuIsFresh = false;
  setFsBase(base: number): void {
    this.fsBase = base;
  }
  setGsBase(base: number): void {
    this.gsBase = base;
  }
  resetFpu(): void {
    this.fpuIsFresh = true;
  }
}

function taskWith(context: FakeContext): Task {
  return { context } as unknown as Task;
}

test('arguments are rdi, rsi, rdx, r10, r8, r9, low word first', () => {
  const context = new FakeContext();
  [RDI, RSI, RDX, R10, R8, R9].forEach((register, index) => {
    setRegister(context.gregs, register, (index + 1) * 0x1_0000_0000 + index + 0x10);
  });
  const words = new Int32Array(12);
  readArguments(taskWith(context), words);
  expect([...words]).toEqual([0x10, 1, 0x11, 2, 0x12, 3, 0x13, 4, 0x14, 5, 0x15, 6]);
});

test.each([0, 1, -1, -514, 0x7fff_ffff, 0x8000_0000, 0x7fff_ffff_f000, -0x1_0000_0000])(
  'a result of %d comes back as it was stored',
  (value) => {
    const context = new FakeContext();
    setResult(taskWith(context), value);
    expect(getResult(taskWith(context))).toBe(value);
    const words = new BigInt64Array(context.gregs.buffer);
    expect(words[RAX]).toBe(BigInt(value));
  },
);

test.each([0x40_1002, 0x1_0000_0001, 0x7fff_0000_0000])(
  'a restart at %d steps back over the instruction',
  (rip) => {
    const context = new FakeContext();
    setRegister(context.gregs, RIP, rip);
    restartSyscall(taskWith(context), 219);
    expect(instructionPointer(taskWith(context))).toBe(rip - 2);
    expect(getResult(taskWith(context))).toBe(219);
  },
);

test('a program starts with zero in every register but three', () => {
  const context = new FakeContext();
  context.gregs.fill(0x5555_5555);
  startProgram(taskWith(context), { entry: 0x5555_5555_4000, stackPointer: 0x7fff_ffff_e000 });
  expect(getRegister(context.gregs, RIP)).toBe(0x5555_5555_4000);
  expect(getRegister(context.gregs, RSP)).toBe(0x7fff_ffff_e000);
  expect(getRegister(context.gregs, EFLAGS)).toBe(0x200);
  expect([...context.gregs].filter((word) => word !== 0)).toHaveLength(5);
  expect(context).toMatchObject({ fpuIsFresh: true, fsBase: 0, gsBase: 0 });
});

test('a child returns 0 and keeps what it is not given', () => {
  const context = new FakeContext();
  setRegister(context.gregs, RSP, 0x7fff_1000);
  setRegister(context.gregs, RBX, 7);
  setResult(taskWith(context), 56);
  startChild(taskWith(context), 0, undefined);
  expect(getResult(taskWith(context))).toBe(0);
  expect(stackPointer(taskWith(context))).toBe(0x7fff_1000);
  expect(context.fsBase).toBe(0x7000_0000_1000);
  startChild(taskWith(context), 0x7f00_0000_2000, 0x1234_0000_0000);
  expect(stackPointer(taskWith(context))).toBe(0x7f00_0000_2000);
  expect(context.fsBase).toBe(0x1234_0000_0000);
  expect(getRegister(context.gregs, RBX)).toBe(7);
});
