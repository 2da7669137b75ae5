/**
 * The stack of a new program, from its end downwards: eight zero bytes, the file name, the environment's and the
 * arguments' strings, a random gap, the platform's name, random bytes, the auxiliary vector, the pointers to the strings,
 * the number of arguments. System V ABI for x86-64, 3.4.1; create_elf_tables() of Linux; getauxval(3).
 */
import type { Platform } from '../../host/cpu.js';
import { PAGE_SIZE } from '../../host/memory.js';
import type { ProgramStack, StackContents, StackLayout } from '../../kernel/arch.js';
import { type Name, putName } from '../../lib/names.js';
import { alignDown } from '../../lib/word64.js';
import type { AddressSpace } from '../../mm/address-space.js';
import {
  AT_BASE,
  AT_CLKTCK,
  AT_EGID,
  AT_ENTRY,
  AT_EUID,
  AT_EXECFN,
  AT_FLAGS,
  AT_GID,
  AT_HWCAP,
  AT_HWCAP2,
  AT_MINSIGSTKSZ,
  AT_NULL,
  AT_PAGESZ,
  AT_PHDR,
  AT_PHENT,
  AT_PHNUM,
  AT_PLATFORM,
  AT_RANDOM,
  AT_SECURE,
  AT_SYSINFO_EHDR,
  AT_UID,
  Elf64_Phdr,
  Elf64_auxv_t,
} from '../../uapi/elf.js';
import { USER_HZ } from '../../uapi/time.js';

const PLATFORM = 'x86_64';
const WORD = 8;
const MAX_AUX_ENTRIES = 24;

const bytesOf = (strings: readonly Name[]): number =>
  strings.reduce((sum, string) => sum + string.length + 1, 0);

/** The bytes that `layOutStack` uses at most. */
export const stackSize = ({ filename, argv, envp, shift }: StackContents): number =>
  bytesOf([filename, ...argv, ...envp]) +
  (argv.length + envp.length + 4) * WORD +
  MAX_AUX_ENTRIES * Elf64_auxv_t.size +
  shift +
  128;

export function layOutStack(mm: AddressSpace, platform: Platform, stack: ProgramStack): StackLayout {
  const { argv, envp, filename } = stack;
  const strings = stringBlock([...argv, ...envp, filename]);
  const argStart = stack.top - WORD - strings.length;
  const argEnd = argStart + bytesOf(argv);
  const envEnd = argEnd + bytesOf(envp);
  mm.copyOut(argStart, strings);

  const platformAt = alignDown(argStart - stack.shift, 16) - (PLATFORM.length + 1);
  const randomAt = platformAt - stack.random.length;
  const entries = auxiliaryVector(platform, stack, {
    execfn: envEnd,
    platform: platformAt,
    random: randomAt,
  });
  const auxv = encode(entries);
  const pointers = argv.length + 1 + envp.length + 1 + 1;
  const stackPointer = alignDown(Math.floor(randomAt / WORD) * WORD - auxv.length - pointers * WORD, 16);

  const table = new Uint8Array(platformAt + PLATFORM.length + 1 - stackPointer);
  const view = new DataView(table.buffer);
  let at = putWord(view, 0, argv.length);
  at = putWord(view, putPointers(view, at, argStart, argv), 0);
  at = putWord(view, putPointers(view, at, argEnd, envp), 0);
  table.set(auxv, at);
  table.set(stack.random, randomAt - stackPointer);
  putName(PLATFORM, table, platformAt - stackPointer);
  mm.copyOut(stackPointer, table);
  return { stackPointer, argStart, argEnd, envStart: argEnd, envEnd, auxv };
}

/** Where the strings and bytes are that the vector points to. */
interface Pointers {
  readonly execfn: number;
  readonly platform: number;
  readonly random: number;
}

type Entry = readonly [type: number, value: number];

/** In Linux's order. No AT_RSEQ_*: rseq(2) is not there. */
function auxiliaryVector(platform: Platform, stack: ProgramStack, at: Pointers): Entry[] {
  const { uid, euid, gid, egid } = stack.credentials;
  const vdso: Entry[] = platform.vdso === 0 ? [] : [[AT_SYSINFO_EHDR, platform.vdso]];
  return [
    ...vdso,
    [AT_MINSIGSTKSZ, platform.minSigStackSize],
    [AT_HWCAP, platform.hwcap],
    [AT_PAGESZ, PAGE_SIZE],
    [AT_CLKTCK, USER_HZ],
    [AT_PHDR, stack.headers],
    [AT_PHENT, Elf64_Phdr.size],
    [AT_PHNUM, stack.headerCount],
    [AT_BASE, stack.interpreterBase],
    [AT_FLAGS, 0],
    [AT_ENTRY, stack.entry],
    [AT_UID, uid],
    [AT_EUID, euid],
    [AT_GID, gid],
    [AT_EGID, egid],
    [AT_SECURE, stack.secure ? 1 : 0],
    [AT_RANDOM, at.random],
    [AT_HWCAP2, platform.hwcap2],
    [AT_EXECFN, at.execfn],
    [AT_PLATFORM, at.platform],
    [AT_NULL, 0],
  ];
}

function encode(entries: readonly Entry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * Elf64_auxv_t.size);
  const view = new DataView(bytes.buffer);
  for (const [index, [a_type, a_val]] of entries.entries())
    Elf64_auxv_t.write(view, index * Elf64_auxv_t.size, { a_type, a_val });
  return bytes;
}

/** Each with its NUL. */
function stringBlock(strings: readonly Name[]): Uint8Array {
  const block = new Uint8Array(bytesOf(strings));
  let at = 0;
  for (const string of strings) at += putName(string, block, at) + 1;
  return block;
}

/** Pointers to consecutive strings that begin at `start`. Returns where the next word goes. */
function putPointers(view: DataView, offset: number, start: number, strings: readonly Name[]): number {
  let at = start;
  for (const string of strings) {
    offset = putWord(view, offset, at);
    at += string.length + 1;
  }
  return offset;
}

function putWord(view: DataView, offset: number, value: number): number {
  view.setUint32(offset, value, true);
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
  return offset + WORD;
}
