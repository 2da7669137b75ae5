import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  Assembler,
  at,
  atAddress,
  atLabel,
  eax,
  ecx,
  r12,
  r13,
  r15,
  r8,
  r8d,
  r9d,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rsi,
  rsp,
} from './assembler.js';

const ORIGIN = 0x40_0000;

function hasObjdump(): boolean {
  try {
    execFileSync('objdump', ['--version']);
    return true;
  } catch {
    return false;
  }
}

/** What binutils makes of the code: one line for each instruction. */
function disassemble(a: Assembler): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'assembler-'));
  try {
    const path = join(directory, 'code');
    writeFileSync(path, a.assemble());
    const options = ['-D', '-b', 'binary', '-m', 'i386:x86-64', '-M', 'intel', `--adjust-vma=${ORIGIN}`];
    return execFileSync('objdump', [...options, path], { encoding: 'latin1' })
      .split('\n')
      .map((line) => /^\s+[0-9a-f]+:\t[^\t]+\t(.*?)\s*$/.exec(line)?.[1])
      .filter((line): line is string => line !== undefined)
      .map((line) => line.replace(/\s+/g, ' '));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe.skipIf(!hasObjdump())('as binutils reads it', () => {
  const cases: [string, (a: Assembler) => Assembler][] = [
    ['mov eax,0x12345678', (a) => a.mov(eax, 0x1234_5678)],
    ['mov r9d,0x1', (a) => a.mov(r9d, 1)],
    ['mov rax,0xffffffffffffffff', (a) => a.mov(rax, -1)],
    ['movabs r15,0x7ff012345678', (a) => a.movabs(r15, 0x7ff0_1234_5678)],
    ['mov rdi,r13', (a) => a.mov(rdi, r13)],
    ['mov r8d,eax', (a) => a.mov(r8d, eax)],
    ['mov rax,QWORD PTR [rbx+0x10]', (a) => a.mov(rax, at(rbx, 0x10))],
    ['mov QWORD PTR [rsp-0x8],r12', (a) => a.mov(at(rsp, -8), r12)],
    ['mov QWORD PTR [r12+0x100],rbp', (a) => a.mov(at(r12, 0x100), rbp)],
    ['mov ecx,DWORD PTR [r13+0x0]', (a) => a.mov(ecx, at(r13))],
    ['mov DWORD PTR [rbp+0x4],0x7', (a) => a.mov(at(rbp, 4), 7)],
    ['mov eax,DWORD PTR [rip+0x1000] # 0x401006', (a) => a.mov(eax, atAddress(ORIGIN + 0x1006))],
    ['cmp DWORD PTR [rip+0x1000],0x5 # 0x40100a', (a) => a.op('cmp', atAddress(ORIGIN + 0x100a), 5)],
    ['lea rsi,[rip+0x0] # 0x400007', (a) => a.lea(rsi, atLabel('here')).label('here')],
    ['lea rbx,[r13+0x40]', (a) => a.lea(rbx, at(r13, 0x40))],
    ['add rsp,0x8', (a) => a.op('add', rsp, 8)],
    ['and rbx,0xfffffffffffff000', (a) => a.op('and', rbx, -4096)],
    ['sub eax,r8d', (a) => a.op('sub', eax, r8d)],
    ['or r8,r15', (a) => a.op('or', r8, r15)],
    ['xor rcx,QWORD PTR [rax+0x8]', (a) => a.op('xor', rcx, at(rax, 8))],
    ['test eax,eax', (a) => a.test(eax, eax)],
    ['test r8d,0x6', (a) => a.test(r8d, 6)],
    ['shl rax,0x20', (a) => a.shl(rax, 32)],
    ['shr ecx,0x3', (a) => a.shr(ecx, 3)],
    ['lock cmpxchg DWORD PTR [rbx+0x0],ecx', (a) => a.lockCmpxchg(at(rbx), ecx)],
    ['xchg DWORD PTR [rbx+0x0],eax', (a) => a.xchg(at(rbx), eax)],
    ['jmp 0x400000', (a) => a.label('self').jmp('self')],
    ['jb 0x400000', (a) => a.label('self').j('b', 'self')],
    ['jne 0x400006', (a) => a.j('ne', 'next').label('next')],
    ['call 0x400005', (a) => a.call('next').label('next')],
    ['jmp rbx', (a) => a.jmpRegister(rbx)],
    ['jmp r8', (a) => a.jmpRegister(r8)],
    ['push r15', (a) => a.push(r15)],
    ['pop rbx', (a) => a.pop(rbx)],
    ['syscall', (a) => a.syscall()],
    ['int 0x80', (a) => a.int(0x80)],
    ['int3', (a) => a.int(3)],
    ['ud2', (a) => a.ud2()],
    ['pause', (a) => a.pause()],
    ['mfence', (a) => a.mfence()],
    ['rdtsc', (a) => a.rdtsc()],
    ['rdfsbase rax', (a) => a.rdfsbase(rax)],
    ['rdgsbase r8', (a) => a.rdgsbase(r8)],
    ['wrfsbase rax', (a) => a.wrfsbase(rax)],
    ['wrgsbase rbx', (a) => a.wrgsbase(rbx)],
  ];
  test('every form is what it says', () => {
    const a = new Assembler(ORIGIN);
    const expected = cases.map(([text]) => text);
    const read = cases.map(([, write]) => disassemble(write(new Assembler(ORIGIN))).join('; '));
    expect(read).toEqual(expected);
    expect(a.here).toBe(ORIGIN);
  });
});

describe('labels', () => {
  test('can be used before they are defined', () => {
    const a = new Assembler(0).jmp('end').nop().label('end');
    expect([...a.assemble()]).toEqual([0xe9, 1, 0, 0, 0, 0x90]);
  });

  test('that are missing or twice there are errors', () => {
    expect(() => new Assembler(0).jmp('nowhere').assemble()).toThrow('nowhere');
    expect(() => new Assembler(0).label('a').label('a')).toThrow('twice');
  });
});
