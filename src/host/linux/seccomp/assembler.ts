/**
 * A small x86-64 assembler: the instructions that the stub and its tests need, in the encodings of the Intel SDM,
 * volume 2. Jumps are always 32-bit relative; nothing here is in a hurry.
 */

/** A general register: its number and whether the whole 64 bits are meant. */
export interface Register {
  readonly code: number;
  readonly wide: boolean;
}

const wide = (code: number): Register => ({ code, wide: true });
const narrow = (code: number): Register => ({ code, wide: false });

export const [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi] = [0, 1, 2, 3, 4, 5, 6, 7].map(wide);
export const [r8, r9, r10, r11, r12, r13, r14, r15] = [8, 9, 10, 11, 12, 13, 14, 15].map(wide);
export const [eax, ecx, edx, ebx, esp, ebp, esi, edi] = [0, 1, 2, 3, 4, 5, 6, 7].map(narrow);
export const [r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d] = [8, 9, 10, 11, 12, 13, 14, 15].map(narrow);

/** A memory operand: a base register and a displacement, or a place that is addressed relative to rip. */
export type Memory =
  | { readonly kind: 'based'; readonly base: Register; readonly displacement: number }
  | { readonly kind: 'label'; readonly label: string }
  | { readonly kind: 'absolute'; readonly address: number };

export const at = (base: Register, displacement = 0): Memory => ({ kind: 'based', base, displacement });
export const atLabel = (label: string): Memory => ({ kind: 'label', label });
/** An address within 2 GiB of the code, reached relative to rip. */
export const atAddress = (address: number): Memory => ({ kind: 'absolute', address });

/** The condition codes of jcc, by their usual names. */
const conditions = {
  b: 2,
  ae: 3,
  e: 4,
  z: 4,
  ne: 5,
  nz: 5,
  be: 6,
  a: 7,
  s: 8,
  ns: 9,
  l: 12,
  ge: 13,
} as const;
export type Condition = keyof typeof conditions;

/** The eight operations that share one encoding: the digit of opcode 81 and the base opcode divided by 8. */
const arithmetic = { add: 0, or: 1, and: 4, sub: 5, xor: 6, cmp: 7 } as const;
export type Arithmetic = keyof typeof arithmetic;

interface Fixup {
  /** Where the 32-bit displacement lies, and where the instruction ends: displacements count from there. */
  readonly at: number;
  readonly end: number;
  readonly target: string;
}

const isMemory = (operand: Register | Memory): operand is Memory => 'kind' in operand;

export class Assembler {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: Fixup[] = [];

  /** `origin` is the address at which the code will run. */
  constructor(readonly origin: number) {}

  /** The address of the next byte. */
  get here(): number {
    return this.origin + this.#bytes.length;
  }

  label(name: string): this {
    if (this.#labels.has(name)) throw new Error(`label ${name} is defined twice`);
    this.#labels.set(name, this.here);
    return this;
  }

  /** The address of a label that has been defined. */
  addressOf(name: string): number {
    const address = this.#labels.get(name);
    if (address === undefined) throw new Error(`label ${name} is not defined`);
    return address;
  }

  raw(...bytes: number[]): this {
    for (const byte of bytes) this.#bytes.push(byte & 0xff);
    return this;
  }

  align(boundary: number): this {
    while (this.here % boundary !== 0) this.raw(0xcc);
    return this;
  }

  word32(value: number): this {
    return this.raw(value, value >>> 8, value >>> 16, value >>> 24);
  }

  /** A 64-bit word, from an exact number. */
  word64(value: number): this {
    return this.word32((value % 0x1_0000_0000) | 0).word32(Math.floor(value / 0x1_0000_0000));
  }

  /** mov between registers and memory, or a 32-bit constant (sign-extended into a 64-bit place) into either. */
  mov(to: Register | Memory, from: Register | Memory | number): this {
    if (typeof from === 'number') {
      if (!isMemory(to) && !to.wide)
        return this.#rex(false, 0, to.code)
          .raw(0xb8 | (to.code & 7))
          .word32(from);
      const is64 = !isMemory(to);
      return this.#modrm([0xc7], is64, 0, to, 4).word32(from);
    }
    if (!isMemory(from)) return this.#modrm([0x89], from.wide, from.code, to);
    if (isMemory(to)) throw new Error('mov from memory to memory');
    return this.#modrm([0x8b], to.wide, to.code, from);
  }

  /** mov of a full 64-bit constant, given as an exact number. */
  movabs(to: Register, value: number): this {
    return this.#rex(true, 0, to.code)
      .raw(0xb8 | (to.code & 7))
      .word64(value);
  }

  lea(to: Register, from: Memory): this {
    return this.#modrm([0x8d], to.wide, to.code, from);
  }

  /** add, or, and, sub, xor, cmp: a register or memory place with a register, memory or 32-bit constant. */
  op(name: Arithmetic, to: Register | Memory, from: Register | Memory | number): this {
    const digit = arithmetic[name];
    if (typeof from === 'number') {
      return this.#modrm([0x81], !isMemory(to) && to.wide, digit, to, 4).word32(from);
    }
    if (!isMemory(from)) return this.#modrm([digit * 8 + 1], from.wide, from.code, to);
    if (isMemory(to)) throw new Error(`${name} from memory to memory`);
    return this.#modrm([digit * 8 + 3], to.wide, to.code, from);
  }

  test(a: Register, b: Register | number): this {
    if (typeof b === 'number') return this.#modrm([0xf7], a.wide, 0, a, 4).word32(b);
    return this.#modrm([0x85], b.wide, b.code, a);
  }

  shl(to: Register, count: number): this {
    return this.#modrm([0xc1], to.wide, 4, to, 1).raw(count);
  }

  shr(to: Register, count: number): this {
    return this.#modrm([0xc1], to.wide, 5, to, 1).raw(count);
  }

  /** lock cmpxchg: stores `from` if the place holds rax's value, else loads the place into rax. */
  lockCmpxchg(place: Memory, from: Register): this {
    return this.raw(0xf0).#modrm([0x0f, 0xb1], from.wide, from.code, place);
  }

  xchg(place: Memory, register: Register): this {
    return this.#modrm([0x87], register.wide, register.code, place);
  }

  jmp(target: string): this {
    return this.raw(0xe9).#relative(target);
  }

  jmpRegister(register: Register): this {
    return this.#modrm([0xff], false, 4, register);
  }

  call(target: string): this {
    return this.raw(0xe8).#relative(target);
  }

  j(condition: Condition, target: string): this {
    return this.raw(0x0f, 0x80 | conditions[condition]).#relative(target);
  }

  push(register: Register): this {
    return this.#rex(false, 0, register.code).raw(0x50 | (register.code & 7));
  }

  pop(register: Register): this {
    return this.#rex(false, 0, register.code).raw(0x58 | (register.code & 7));
  }

  ret(): this {
    return this.raw(0xc3);
  }

  syscall(): this {
    return this.raw(0x0f, 0x05);
  }

  int(vector: number): this {
    return vector === 3 ? this.raw(0xcc) : this.raw(0xcd, vector);
  }

  ud2(): this {
    return this.raw(0x0f, 0x0b);
  }

  nop(): this {
    return this.raw(0x90);
  }

  pause(): this {
    return this.raw(0xf3, 0x90);
  }

  mfence(): this {
    return this.raw(0x0f, 0xae, 0xf0);
  }

  rdtsc(): this {
    return this.raw(0x0f, 0x31);
  }

  rdfsbase(to: Register): this {
    return this.#baseRegister(0, to);
  }

  rdgsbase(to: Register): this {
    return this.#baseRegister(1, to);
  }

  wrfsbase(from: Register): this {
    return this.#baseRegister(2, from);
  }

  wrgsbase(from: Register): this {
    return this.#baseRegister(3, from);
  }

  /** The bytes, with every reference to a label filled in. */
  assemble(): Uint8Array {
    const bytes = Uint8Array.from(this.#bytes);
    const view = new DataView(bytes.buffer);
    for (const { at: place, end, target } of this.#fixups) {
      view.setInt32(place, this.addressOf(target) - (this.origin + end), true);
    }
    return bytes;
  }

  #baseRegister(digit: number, register: Register): this {
    return this.raw(0xf3).#modrm([0x0f, 0xae], register.wide, digit, register);
  }

  /** A REX prefix, where one is needed. */
  #rex(w: boolean, reg: number, rm: number): this {
    const bits = (w ? 8 : 0) | (reg > 7 ? 4 : 0) | (rm > 7 ? 1 : 0);
    return bits === 0 ? this : this.raw(0x40 | bits);
  }

  #relative(target: string): this {
    const place = this.#bytes.length;
    this.#fixups.push({ at: place, end: place + 4, target });
    return this.word32(0);
  }

  /** Prefix, opcode, ModRM, SIB and displacement. `immediate` is the size of the constant that follows. */
  #modrm(opcode: number[], w: boolean, reg: number, rm: Register | Memory, immediate = 0): this {
    const field = (reg & 7) << 3;
    if (!isMemory(rm)) {
      return this.#rex(w, reg, rm.code).raw(...opcode, 0xc0 | field | (rm.code & 7));
    }
    if (rm.kind === 'based') {
      const base = rm.base.code;
      this.#rex(w, reg, base).raw(...opcode, 0x80 | field | (base & 7));
      if ((base & 7) === 4) this.raw(0x24);
      return this.word32(rm.displacement);
    }
    this.#rex(w, reg, 0).raw(...opcode, field | 5);
    const place = this.#bytes.length;
    const end = place + 4 + immediate;
    if (rm.kind === 'absolute') return this.word32(rm.address - (this.origin + end));
    this.#fixups.push({ at: place, end, target: rm.label });
    return this.word32(0);
  }
}
