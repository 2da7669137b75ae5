/** /proc/PID/stat, status and limits: proc(5). */
import { taskCpuTime, processCpuTime } from '../../kernel/cputime.js';
import type { Rlimits } from '../../kernel/rlimits.js';
import type { SignalSet } from '../../kernel/signal-set.js';
import type { Task } from '../../kernel/task.js';
import type { CapabilitySet } from '../../kernel/credentials.js';
import type { Name } from '../../lib/names.js';
import { statusMemory } from '../../mm/proc-maps.js';

const TICK = 10_000_000;

/** R, S, D, T, t, Z as ps(1) shows them. */
export function stateLetter(task: Task): Name {
  switch (task.state) {
    case 'stopped':
      return 'T';
    case 'traced':
      return 't';
    case 'zombie':
      return 'Z';
    case 'dead':
      return 'X';
    case 'user':
      return 'R';
    case 'kernel':
      return task.sleeping === undefined ? 'R' : task.sleeping === 'interruptible' ? 'S' : 'D';
    default:
      return task.state satisfies never;
  }
}

const stateNames: Readonly<Record<Name, Name>> = {
  R: 'R (running)',
  S: 'S (sleeping)',
  D: 'D (disk sleep)',
  T: 'T (stopped)',
  t: 't (tracing stop)',
  Z: 'Z (zombie)',
  X: 'X (dead)',
};

/** The 52 fields; `whole`: of the process, else of the thread alone. */
export function statText(task: Task, whole: boolean): Name {
  const { process, mm } = task;
  const { group, session, ownUsage, childUsage } = process;
  const terminal = session.controllingTerminal;
  const user = Math.floor((whole ? processCpuTime(process) : taskCpuTime(task)) / TICK);
  const ticks = (ns: number): number => Math.floor(ns / TICK);
  const pending = task.signals.pending.set;
  const { ignored, caught } = dispositions(task);
  const low = ({ lo }: SignalSet): number => (lo & 0x7fff_ffff) >>> 0;
  const fields = [
    whole ? process.pid : task.tid,
    `(${task.comm})`,
    stateLetter(task),
    process.parent?.pid ?? 0,
    group.id,
    session.id,
    terminal?.rdev ?? 0,
    terminal?.foreground?.id ?? -1,
    0x40_0000,
    task.minorFaults + (whole ? ownUsage.minorFaults : 0),
    childUsage.minorFaults,
    task.majorFaults + (whole ? ownUsage.majorFaults : 0),
    childUsage.majorFaults,
    user,
    0,
    ticks(childUsage.userNs),
    ticks(childUsage.systemNs),
    task.schedPriority > 0 ? -1 - task.schedPriority : 20 + task.nice,
    task.nice,
    process.threads.size,
    0,
    ticks(task.startTime),
    (mm?.totalPages ?? 0) * 4096,
    mm?.residentPages ?? 0,
    process.rlimits[5].soft === Infinity ? '18446744073709551615' : process.rlimits[5].soft,
    mm?.startCode ?? 0,
    mm?.endCode ?? 0,
    mm?.startStack ?? 0,
    0,
    0,
    low(pending),
    low(task.signals.blocked),
    low(ignored),
    low(caught),
    task.sleeping === undefined ? 0 : 1,
    0,
    0,
    process.exitSignal,
    0,
    task.schedPriority,
    task.schedPolicy,
    0,
    0,
    0,
    mm?.startData ?? 0,
    mm?.endData ?? 0,
    mm?.startBrk ?? 0,
    mm?.argStart ?? 0,
    mm?.argEnd ?? 0,
    mm?.envStart ?? 0,
    mm?.envEnd ?? 0,
    process.exitStatus ?? 0,
  ];
  return `${fields.join(' ')}\n`;
}

function dispositions(task: Task): { ignored: SignalSet; caught: SignalSet } {
  const ignored = task.signals.blocked.clone();
  ignored.lo = ignored.hi = 0;
  const caught = ignored.clone();
  task.process.handlers.actions.forEach(({ handler }, signal) => {
    if (signal === 0 || handler === 0) return;
    (handler === 1 ? ignored : caught).add(signal);
  });
  return { ignored, caught };
}

const hex = (value: number): Name => (value >>> 0).toString(16).padStart(8, '0');
const mask = ({ lo, hi }: SignalSet | CapabilitySet): Name => hex(hi) + hex(lo);

export function statusText(task: Task): Name {
  const { process, credentials, mm } = task;
  const { uid, euid, suid, fsuid, gid, egid, sgid, fsgid, groups } = credentials;
  const { ignored, caught } = dispositions(task);
  const cpus = task.kernel.params.cpuCount;
  const allowed = affinity(task, cpus);
  const queued = task.kernel.signalAccounts.get(uid)?.queued ?? 0;
  const lines = [
    `Name:\t${task.comm.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}`,
    `Umask:\t${task.fs.umask.toString(8).padStart(4, '0')}`,
    `State:\t${stateNames[stateLetter(task)]}`,
    `Tgid:\t${process.pid}`,
    'Ngid:\t0',
    `Pid:\t${task.tid}`,
    `PPid:\t${process.parent?.pid ?? 0}`,
    `TracerPid:\t${task.tracing?.tracer.tid ?? 0}`,
    `Uid:\t${uid}\t${euid}\t${suid}\t${fsuid}`,
    `Gid:\t${gid}\t${egid}\t${sgid}\t${fsgid}`,
    `FDSize:\t${task.files.length}`,
    `Groups:\t${groups.map((group) => `${group} `).join('')}`,
    `NStgid:\t${process.pid}`,
    `NSpid:\t${task.tid}`,
    `NSpgid:\t${process.group.id}`,
    `NSsid:\t${process.session.id}`,
    ...(mm === undefined ? [] : [statusMemory(mm).trimEnd()]),
    'CoreDumping:\t0',
    'THP_enabled:\t0',
    `Threads:\t${process.threads.size}`,
    `SigQ:\t${queued}/${process.rlimits[11].soft}`,
    `SigPnd:\t${mask(task.signals.pending.set)}`,
    `ShdPnd:\t${mask(process.signals.set)}`,
    `SigBlk:\t${mask(task.signals.blocked)}`,
    `SigIgn:\t${mask(ignored)}`,
    `SigCgt:\t${mask(caught)}`,
    `CapInh:\t${mask(credentials.inheritable)}`,
    `CapPrm:\t${mask(credentials.permitted)}`,
    `CapEff:\t${mask(credentials.effective)}`,
    `CapBnd:\t${mask(credentials.bounding)}`,
    `CapAmb:\t${mask(credentials.ambient)}`,
    `NoNewPrivs:\t${credentials.noNewPrivileges ? 1 : 0}`,
    'Seccomp:\t0',
    'Seccomp_filters:\t0',
    'Speculation_Store_Bypass:\tvulnerable',
    'SpeculationIndirectBranch:\tunknown',
    `Cpus_allowed:\t${allowed.mask}`,
    `Cpus_allowed_list:\t${allowed.list}`,
    'Mems_allowed:\t1',
    'Mems_allowed_list:\t0',
    `voluntary_ctxt_switches:\t${task.voluntarySwitches}`,
    'nonvoluntary_ctxt_switches:\t0',
  ];
  return `${lines.join('\n')}\n`;
}

function affinity(task: Task, cpus: number): { mask: Name; list: Name } {
  const on: number[] = [];
  for (let cpu = 0; cpu < cpus; cpu++)
    if (((task.affinity[cpu >>> 5] >>> (cpu & 31)) & 1) === 1) on.push(cpu);
  const ranges: Name[] = [];
  for (let index = 0; index < on.length; index++) {
    const first = on[index];
    while (on[index + 1] === on[index] + 1) index++;
    ranges.push(first === on[index] ? String(first) : `${first}-${on[index]}`);
  }
  let words = '';
  for (let word = Math.ceil(cpus / 32) - 1; word >= 0; word--) {
    const bits = on.filter((cpu) => cpu >>> 5 === word).reduce((sum, cpu) => sum + 2 ** (cpu & 31), 0);
    words +=
      (words === '' ? '' : ',') + (words === '' ? bits.toString(16) : bits.toString(16).padStart(8, '0'));
  }
  return { mask: words, list: ranges.join(',') };
}

const limitNames: readonly (readonly [Name, Name])[] = [
  ['Max cpu time', 'seconds'],
  ['Max file size', 'bytes'],
  ['Max data size', 'bytes'],
  ['Max stack size', 'bytes'],
  ['Max core file size', 'bytes'],
  ['Max resident set', 'bytes'],
  ['Max processes', 'processes'],
  ['Max open files', 'files'],
  ['Max locked memory', 'bytes'],
  ['Max address space', 'bytes'],
  ['Max file locks', 'locks'],
  ['Max pending signals', 'signals'],
  ['Max msgqueue size', 'bytes'],
  ['Max nice priority', ''],
  ['Max realtime priority', ''],
  ['Max realtime timeout', 'us'],
];

export function limitsText(limits: Rlimits): Name {
  const show = (value: number): Name => (value === Infinity ? 'unlimited' : String(value));
  const line = (name: Name, soft: Name, hard: Name, unit: Name): Name =>
    `${name.padEnd(25)} ${soft.padEnd(20)} ${hard.padEnd(20)} ${unit.padEnd(10)}\n`;
  return (
    line('Limit', 'Soft Limit', 'Hard Limit', 'Units') +
    limitNames
      .map(([name, unit], index) => line(name, show(limits[index].soft), show(limits[index].hard), unit))
      .join('')
  );
}
