import { expect, test } from 'vitest';
import {
  EM_386,
  EM_X86_64,
  ET_CORE,
  ET_DYN,
  Elf64_Ehdr,
  Elf64_Phdr,
  PF_R,
  PF_W,
  PF_X,
  PT_GNU_STACK,
  PT_LOAD,
} from '../uapi/elf.js';
import { ENOEXEC } from '../uapi/errno.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../uapi/mman.js';
import {
  type ElfHeader,
  type ProgramHeader,
  decodeHeader,
  headersAddress,
  isMappable,
  isPlausible,
  maximumAlignment,
  programHeaderBytes,
  protectionOf,
  totalSize,
  wantsExecutableStack,
} from './elf-headers.js';

const magic = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1);

const encode = (changes: Partial<ElfHeader> = {}): Uint8Array =>
  Elf64_Ehdr.encode({
    e_ident: magic,
    e_type: ET_DYN,
    e_machine: EM_X86_64,
    e_phoff: 64,
    e_phentsize: 56,
    e_phnum: 1,
    ...changes,
  });

const header = (changes: Partial<ElfHeader> = {}): ElfHeader => decodeHeader(encode(changes), EM_X86_64);

const segment = (changes: Partial<ProgramHeader>): ProgramHeader =>
  Elf64_Phdr.decode(Elf64_Phdr.encode({ p_type: PT_LOAD, p_align: 4096, ...changes }));

test('a program of this machine is accepted', () => {
  expect(header()).toMatchObject({ e_type: ET_DYN, e_phnum: 1 });
});

test.each([
  ['no magic', { e_ident: Uint8Array.of(0x7f, 0x45, 0x4c, 0x47) }],
  ['a core dump', { e_type: ET_CORE }],
  ['another machine', { e_machine: EM_386 }],
])('%s is no program', (_name, changes) => {
  expect(() => header(changes)).toThrow(ENOEXEC as never);
});

test.each([[{ e_phnum: 0 }], [{ e_phnum: 1171 }], [{ e_phentsize: 32 }]])(
  'program headers of %j are refused',
  (changes) => {
    expect(() => programHeaderBytes(header(changes))).toThrow(ENOEXEC as never);
  },
);

test('1170 program headers are just few enough', () => {
  expect(programHeaderBytes(header({ e_phnum: 1170 }))).toBe(65520);
});

test('the whole program reaches from the first page to the end of the last segment', () => {
  expect(totalSize([])).toBe(0);
  const segments = [
    segment({ p_vaddr: 0x1234, p_memsz: 0x100 }),
    segment({ p_vaddr: 0x40_0010, p_memsz: 0x2001 }),
  ];
  expect(totalSize(segments)).toBe(0x40_3000 - 0x1000);
});

test('the largest sensible alignment counts', () => {
  expect(maximumAlignment([segment({ p_align: 0x20_0000 }), segment({ p_align: 4096 })])).toBe(0x20_0000);
  expect(maximumAlignment([segment({ p_align: 0 }), segment({ p_align: 0x20_0001 })])).toBe(4096);
});

test('the program headers are found in the segment that holds them', () => {
  const segments = [
    segment({ p_offset: 0x2000, p_filesz: 0x1000, p_vaddr: 0x8000 }),
    segment({ p_offset: 0, p_filesz: 0x1000, p_vaddr: 0x40_0000 }),
  ];
  expect(headersAddress(header(), segments)).toBe(0x40_0040);
  expect(headersAddress(header({ e_phoff: 0x5000 }), segments)).toBe(0);
});

test('segments that leave the address space or hold less than the file are implausible', () => {
  const top = 0x7fff_ffff_f000;
  expect(isPlausible(segment({ p_memsz: 16 }), 0x1000, top)).toBe(true);
  expect(isPlausible(segment({ p_memsz: 16, p_filesz: 17 }), 0x1000, top)).toBe(false);
  expect(isPlausible(segment({ p_memsz: 16 }), top, top)).toBe(false);
  expect(isPlausible(segment({ p_memsz: 4096 }), top - 100, top)).toBe(false);
});

test('offset and address must be congruent', () => {
  expect(isMappable(segment({ p_offset: 0x1234, p_vaddr: 0x40_0234 }))).toBe(true);
  expect(isMappable(segment({ p_offset: 0x1235, p_vaddr: 0x40_0234 }))).toBe(false);
  expect(isMappable(segment({ p_offset: 0x34, p_vaddr: 0x40_0234 }))).toBe(false);
});

test('protection and stack', () => {
  expect(protectionOf(segment({ p_flags: PF_R | PF_X }))).toBe(PROT_READ | PROT_EXEC);
  expect(protectionOf(segment({ p_flags: PF_W }))).toBe(PROT_WRITE);
  expect(wantsExecutableStack([])).toBe(false);
  expect(wantsExecutableStack([segment({ p_type: PT_GNU_STACK, p_flags: PF_R | PF_W | PF_X })])).toBe(true);
});
