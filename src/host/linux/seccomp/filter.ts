/**
 * The seccomp filter of stubs, as a classic BPF program (seccomp(2), linux/bpf_common.h). Whatever is not one of the stub's
 * own few calls, made by its own instructions and with its own arguments, becomes SIGSYS. The zygote installs it once; forks
 * and threads inherit it, which costs nothing (a filter for each thread took 25 microseconds).
 *
 * Guest code can jump to any instruction of the stub with any registers, so the instruction pointer alone proves nothing:
 * every argument that gives power is checked as well.
 */
import { FD_DOORBELL, REGION_HIGH, SLOTS_LOW_END } from './layout.js';
import {
  AUDIT_ARCH_X86_64,
  FUTEX_WAIT,
  NR_exit,
  NR_futex,
  NR_rt_sigreturn,
  NR_sched_yield,
  NR_write,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_TRAP,
} from './system-calls.js';

/** Addresses just behind the stub's system call instructions (which is what seccomp sees), and of its constant. */
export interface FilterSites {
  /** FUTEX_WAIT of guest threads, and of command threads. */
  readonly wait: number;
  readonly commandWait: number;
  readonly yield: number;
  readonly ring: number;
  readonly sigreturn: number;
  readonly exit: number;
  /** The command thread's part of the code: any system call, for those that know the secret. */
  readonly commandStart: number;
  readonly commandEnd: number;
  /** The eight bytes that are written to the doorbell. */
  readonly ringValue: number;
}

/**
 * What tells a command thread's calls from others: the high halves of the fourth and fifth argument, which the calls that
 * it makes ignore. It exists in our memory, in the host's copy of the filter and in registers of command threads, nowhere
 * that guest code can see.
 */
export interface Secret {
  readonly fourth: number;
  readonly fifth: number;
}

/** struct seccomp_data: offsets of the 32-bit words. */
const TWO32 = 0x1_0000_0000;
const NUMBER = 0;
const ARCH = 4;
const IP_LOW = 8;
const IP_HIGH = 12;
const argumentLow = (index: number): number => 16 + 8 * index;
const argumentHigh = (index: number): number => 20 + 8 * index;

const LD_ABS = 0x20;
const JEQ = 0x15;
const JGT = 0x25;
const JGE = 0x35;
const RET = 0x06;

/** A condition on one 32-bit word: equal to `is`, or at least `from` and below `to`. */
type Check =
  | { readonly word: number; readonly is: number }
  | { readonly word: number; readonly from: number; readonly to: number };

/** A rule for instruction pointers in [from, to]. */
interface Rule {
  readonly from: number;
  readonly to: number;
  readonly checks: readonly Check[];
}

const argument = (index: number, value: number): Check[] => [
  { word: argumentLow(index), is: value % TWO32 },
  { word: argumentHigh(index), is: Math.floor(value / TWO32) },
];

/** FUTEX_WAIT, without a timeout, on a word of the stub region: it can only wait. */
const waitChecks: readonly Check[] = [
  { word: NUMBER, is: NR_futex },
  { word: argumentLow(0), from: 0, to: SLOTS_LOW_END },
  { word: argumentHigh(0), is: REGION_HIGH },
  ...argument(1, FUTEX_WAIT),
  ...argument(3, 0),
];

function rules(sites: FilterSites, secret: Secret): Rule[] {
  const ringChecks = [
    { word: NUMBER, is: NR_write },
    ...argument(0, FD_DOORBELL),
    ...argument(1, sites.ringValue),
    ...argument(2, 8),
  ];
  const secretChecks = [
    { word: argumentHigh(3), is: secret.fourth },
    { word: argumentHigh(4), is: secret.fifth },
  ];
  return [
    { from: sites.sigreturn, to: sites.sigreturn, checks: [{ word: NUMBER, is: NR_rt_sigreturn }] },
    { from: sites.wait, to: sites.wait, checks: waitChecks },
    { from: sites.ring, to: sites.ring, checks: ringChecks },
    { from: sites.yield, to: sites.yield, checks: [{ word: NUMBER, is: NR_sched_yield }] },
    { from: sites.exit, to: sites.exit, checks: [{ word: NUMBER, is: NR_exit }] },
    { from: sites.commandWait, to: sites.commandWait, checks: waitChecks },
    { from: sites.commandStart, to: sites.commandEnd, checks: secretChecks },
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

/** Tests of the instruction pointer's low half, which is loaded: on to the rule's body if it matches. */
function selection(rule: Rule, toBody: number): Instruction[] {
  if (rule.from === rule.to) {
    return [{ code: JEQ, k: rule.from % TWO32, jumpTrue: toBody, jumpFalse: 0 }];
  }
  return [
    { code: JGE, k: rule.from % TWO32, jumpTrue: 0, jumpFalse: 'trap' },
    { code: JGT, k: rule.to % TWO32, jumpTrue: 'trap', jumpFalse: toBody - 1 },
  ];
}

/** The program, as the bytes of its array of struct sock_filter. */
export function assembleFilter(sites: FilterSites, secret: Secret): Uint8Array {
  const all = rules(sites, secret);
  const bodies = all.map(body);
  const program: Instruction[] = [
    load(ARCH),
    orTrap(JEQ, AUDIT_ARCH_X86_64),
    load(IP_HIGH),
    orTrap(JEQ, REGION_HIGH),
    load(IP_LOW),
  ];
  const selectionLength = all.reduce((sum, rule) => sum + selection(rule, 0).length, 0);
  let target = program.length + selectionLength + 1;
  all.forEach((rule, index) => {
    program.push(...selection(rule, target - (program.length + 1)));
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
