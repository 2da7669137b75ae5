/**
 * The seccomp filter of guest threads, as a classic BPF program (seccomp(2), linux/bpf_common.h). Whatever is not one of
 * the stub's own few calls, made by its own instructions and with its own arguments, becomes SIGSYS.
 *
 * Guest code can jump to any instruction of the stub with any registers, so the instruction pointer alone proves nothing:
 * every argument that gives power is checked as well.
 */
import { FD_DOORBELL, REGION_HIGH, SLOTS_LOW, SLOTS_LOW_END } from './layout.js';
import {
  AUDIT_ARCH_X86_64,
  FUTEX_WAIT,
  NR_exit,
  NR_futex,
  NR_rt_sigreturn,
  NR_write,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_TRAP,
} from './system-calls.js';

/** Addresses just behind the stub's system call instructions (which is what seccomp sees), and of its constant. */
export interface FilterSites {
  readonly wait: number;
  readonly ring: number;
  readonly sigreturn: number;
  readonly exit: number;
  /** The eight bytes that are written to the doorbell. */
  readonly ringValue: number;
}

/** struct seccomp_data: offsets of the 32-bit words. */
const NUMBER = 0;
const ARCH = 4;
const IP_LOW = 8;
const IP_HIGH = 12;
const argumentLow = (index: number): number => 16 + 8 * index;
const argumentHigh = (index: number): number => 20 + 8 * index;

const LD_ABS = 0x20;
const JEQ = 0x15;
const JGE = 0x35;
const RET = 0x06;

/** A condition on one 32-bit word: equal to `is`, or at least `from` and below `to`. */
type Check =
  | { readonly word: number; readonly is: number }
  | { readonly word: number; readonly from: number; readonly to: number };

interface Rule {
  readonly ip: number;
  readonly checks: readonly Check[];
}

const argument = (index: number, value: number): Check[] => [
  { word: argumentLow(index), is: value % 0x1_0000_0000 },
  { word: argumentHigh(index), is: Math.floor(value / 0x1_0000_0000) },
];

function rules(sites: FilterSites): Rule[] {
  return [
    { ip: sites.sigreturn, checks: [{ word: NUMBER, is: NR_rt_sigreturn }] },
    {
      ip: sites.wait,
      checks: [
        { word: NUMBER, is: NR_futex },
        { word: argumentLow(0), from: SLOTS_LOW, to: SLOTS_LOW_END },
        { word: argumentHigh(0), is: REGION_HIGH },
        ...argument(1, FUTEX_WAIT),
        ...argument(3, 0),
      ],
    },
    {
      ip: sites.ring,
      checks: [
        { word: NUMBER, is: NR_write },
        ...argument(0, FD_DOORBELL),
        ...argument(1, sites.ringValue),
        ...argument(2, 8),
      ],
    },
    { ip: sites.exit, checks: [{ word: NUMBER, is: NR_exit }] },
  ];
}

/** One struct sock_filter. A jump with `toTrap` goes to the final "trap" when its condition fails (or holds, for `below`). */
interface Instruction {
  readonly code: number;
  readonly k: number;
  readonly jumpTrue: number | 'trap';
  readonly jumpFalse: number | 'trap';
}

const load = (word: number): Instruction => ({ code: LD_ABS, k: word, jumpTrue: 0, jumpFalse: 0 });
const orTrap = (code: number, k: number): Instruction => ({ code, k, jumpTrue: 0, jumpFalse: 'trap' });
const result = (k: number): Instruction => ({ code: RET, k, jumpTrue: 0, jumpFalse: 0 });

function body(rule: Rule): Instruction[] {
  const list: Instruction[] = [];
  for (const check of rule.checks) {
    list.push(load(check.word));
    if ('is' in check) list.push(orTrap(JEQ, check.is));
    else list.push(orTrap(JGE, check.from), { code: JGE, k: check.to, jumpTrue: 'trap', jumpFalse: 0 });
  }
  list.push(result(SECCOMP_RET_ALLOW));
  return list;
}

/** The program, as the bytes of its array of struct sock_filter. */
export function assembleFilter(sites: FilterSites): Uint8Array {
  const all = rules(sites);
  const bodies = all.map(body);
  const program: Instruction[] = [
    load(ARCH),
    orTrap(JEQ, AUDIT_ARCH_X86_64),
    load(IP_HIGH),
    orTrap(JEQ, REGION_HIGH),
    load(IP_LOW),
  ];
  let target = program.length + all.length + 1;
  all.forEach((rule, index) => {
    program.push({
      code: JEQ,
      k: rule.ip % 0x1_0000_0000,
      jumpTrue: target - (program.length + 1),
      jumpFalse: 0,
    });
    target += bodies[index].length;
  });
  program.push(result(SECCOMP_RET_TRAP), ...bodies.flat(), result(SECCOMP_RET_TRAP));

  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  const trapAt = program.length - 1;
  program.forEach((instruction, index) => {
    const distance = (jump: number | 'trap'): number => (jump === 'trap' ? trapAt - (index + 1) : jump);
    view.setUint16(index * 8, instruction.code, true);
    view.setUint8(index * 8 + 2, distance(instruction.jumpTrue));
    view.setUint8(index * 8 + 3, distance(instruction.jumpFalse));
    view.setUint32(index * 8 + 4, instruction.k, true);
  });
  return bytes;
}
