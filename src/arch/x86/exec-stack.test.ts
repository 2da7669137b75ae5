import { expect, test } from 'vitest';
import type { Platform } from '../../host/cpu.js';
import type { ProgramStack } from '../../kernel/arch.js';
import { rootCredentials } from '../../kernel/credentials.js';
import { nameFromBytes } from '../../lib/names.js';
import type { AddressSpace } from '../../mm/address-space.js';
import {
  AT_BASE,
  AT_ENTRY,
  AT_EXECFN,
  AT_EUID,
  AT_NULL,
  AT_PHDR,
  AT_PHNUM,
  AT_PLATFORM,
  AT_RANDOM,
  AT_SECURE,
  AT_SYSINFO_EHDR,
} from '../../uapi/elf.js';
import { layOutStack, stackSize } from './exec-stack.js';

const TOP = 0x7ffd_1234_5000;
const SIZE = 65536;

/** The end of an address space: a flat array up to TOP. */
class FakeMemory {
  readonly bytes = new Uint8Array(SIZE);
  readonly view = new DataView(this.bytes.buffer);
  lowest = TOP;
  copyOut(address: number, from: Uint8Array): void {
    this.lowest = Math.min(this.lowest, address);
    this.bytes.set(from, address - TOP + SIZE);
  }
  word(address: number): number {
    return Number(this.view.getBigUint64(address - TOP + SIZE, true));
  }
  string(address: number): string {
    const start = address - TOP + SIZE;
    return nameFromBytes(this.bytes, start, this.bytes.indexOf(0, start));
  }
}

const platform = {
  vdso: 0x7ffd_2000_0000,
  minSigStackSize: 3632,
  hwcap: 0x178b_fbff,
  hwcap2: 2,
} as Platform;

const stack: ProgramStack = {
  top: TOP,
  filename: './program',
  argv: ['program', '', 'last\xff'],
  envp: ['HOME=/', 'A=b'],
  entry: 0x5555_5555_5040,
  headers: 0x5555_5555_4040,
  headerCount: 13,
  interpreterBase: 0x7fff_f7fc_5000,
  credentials: { ...rootCredentials, euid: 7 },
  secure: true,
  random: Uint8Array.from({ length: 16 }, (_, index) => index + 1),
  shift: 0,
};

function build(changes: Partial<ProgramStack> = {}) {
  const memory = new FakeMemory();
  const layout = layOutStack(memory as unknown as AddressSpace, platform, { ...stack, ...changes });
  return { memory, layout };
}

/** The vector as a map, read from where the environment's pointers end. */
function vector(memory: FakeMemory, stackPointer: number): Map<number, number> {
  let at = stackPointer;
  for (let zeros = 0; zeros < 2; at += 8) if (at > stackPointer && memory.word(at) === 0) zeros++;
  const entries = new Map<number, number>();
  for (; ; at += 16) {
    entries.set(memory.word(at), memory.word(at + 8));
    if (memory.word(at) === AT_NULL) return entries;
  }
}

test('argc, argv and envp are where the ABI has them', () => {
  const { memory, layout } = build();
  const { stackPointer } = layout;
  expect(stackPointer % 16).toBe(0);
  const words = Array.from({ length: 8 }, (_, index) => memory.word(stackPointer + 8 * index));
  expect(words[0]).toBe(3);
  expect(words.slice(1, 4).map((word) => memory.string(word))).toEqual(stack.argv);
  expect(words[4]).toBe(0);
  expect(words.slice(5, 7).map((word) => memory.string(word))).toEqual(stack.envp);
  expect(words[7]).toBe(0);
});

test('strings follow each other up to the file name and eight zero bytes', () => {
  const { memory, layout } = build();
  const { argStart, argEnd, envStart, envEnd } = layout;
  expect(memory.word(TOP - 8)).toBe(0);
  expect(memory.string(envEnd)).toBe('./program');
  expect(envEnd + './program'.length + 1).toBe(TOP - 8);
  expect(argEnd).toBe(envStart);
  expect(argEnd - argStart).toBe('program\0\0last\xff\0'.length);
});

test('the auxiliary vector tells of the program', () => {
  const { memory, layout } = build();
  const entries = vector(memory, layout.stackPointer);
  expect(entries.get(AT_PHDR)).toBe(stack.headers);
  expect(entries.get(AT_PHNUM)).toBe(13);
  expect(entries.get(AT_BASE)).toBe(stack.interpreterBase);
  expect(entries.get(AT_ENTRY)).toBe(stack.entry);
  expect(entries.get(AT_EUID)).toBe(7);
  expect(entries.get(AT_SECURE)).toBe(1);
  expect(entries.get(AT_SYSINFO_EHDR)).toBe(platform.vdso);
  expect(memory.string(entries.get(AT_PLATFORM) ?? 0)).toBe('x86_64');
  expect(memory.string(entries.get(AT_EXECFN) ?? 0)).toBe('./program');
  const random = (entries.get(AT_RANDOM) ?? 0) - TOP + SIZE;
  expect([...memory.bytes.subarray(random, random + 16)]).toEqual([...stack.random]);
  expect([
    ...memory.bytes.subarray(layout.stackPointer + 64 - TOP + SIZE).subarray(0, layout.auxv.length),
  ]).toEqual([...layout.auxv]);
});

test.each([0, 1, 15, 16, 4095, 8191])(
  'a shift of %d keeps the stack aligned and within its size',
  (shift) => {
    for (let count = 0; count < 4; count++) {
      const changes = { shift, argv: ['x'.repeat(count)], envp: Array.from({ length: count }, () => 'y') };
      const { memory, layout } = build(changes);
      expect(layout.stackPointer % 16).toBe(0);
      expect(memory.lowest).toBe(layout.stackPointer);
      expect(TOP - layout.stackPointer).toBeLessThanOrEqual(stackSize({ ...stack, ...changes }));
    }
  },
);
