/**
 * The first stub: started from the assembled ELF file with posix_spawn, then brought into shape by commands. Every address
 * space is a fork of it. It has no guest memory and never runs guest code.
 */
import { readFileSync } from 'node:fs';
import type { HostRange } from '../../cpu.js';
import type { CommandRunner } from './commands.js';
import { trapSignals } from './frame.js';
import {
  COMMAND_DATA,
  COMMAND_PAGE,
  ENTRY_LAST,
  ENTRY_SEAL,
  FD_COMMAND,
  FD_COUNT,
  FD_DOORBELL,
  FD_MAILBOX,
  FD_PHYSICAL,
  FD_RESULT,
  REGION,
  SLOTS,
  SLOTS_LENGTH,
  START_PAGE,
  VDSO_AREA,
} from './layout.js';
import {
  FILE_ACTIONS_SIZE,
  must,
  posix_spawn,
  posix_spawn_file_actions_adddup2,
  posix_spawn_file_actions_destroy,
  posix_spawn_file_actions_init,
} from './libc.js';
import { withProgramFile } from './memfd.js';
import type { StubPages } from './pages.js';
import { StubProcess } from './process.js';
import type { Stub } from './stub.js';
import {
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  NR_close_range,
  NR_mremap,
  NR_munmap,
  NR_prctl,
  NR_prlimit64,
  NR_rt_sigaction,
  NR_rt_sigprocmask,
  NR_seccomp,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  RLIMIT_CORE,
  SA_ONSTACK,
  SA_RESTORER,
  SA_SIGINFO,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_SET_MODE_FILTER,
} from './system-calls.js';
import { readVdso } from './vdso.js';

const TWO32 = 0x1_0000_0000;
const PAGE = 4096;
const SIG_SETMASK = 2;
/** struct sigaction's mask, and the argument of rt_sigprocmask: 64 signals. */
const SIGSET_SIZE = 8;

/** Offsets of structures in the data part of the zygote's command page. */
const DATA_ZEROS = COMMAND_DATA;
const DATA_ONES = COMMAND_DATA + 16;
const DATA_NAME = COMMAND_DATA + 32;
const DATA_ACTION = COMMAND_DATA + 64;

export interface ZygoteFiles {
  readonly physical: number;
  readonly result: number;
  readonly doorbell: number;
}

export interface Zygote {
  readonly process: StubProcess;
  readonly seat: number;
  readonly hostRanges: readonly HostRange[];
  readonly vdso: number;
}

function spawn(stub: Stub, pages: StubPages, files: ZygoteFiles): number {
  const actions = new Uint8Array(FILE_ACTIONS_SIZE + 64);
  posix_spawn_file_actions_init(actions);
  const give = (from: number, to: number): void => {
    posix_spawn_file_actions_adddup2(actions, from, to);
  };
  give(files.physical, FD_PHYSICAL);
  give(pages.mailboxFd, FD_MAILBOX);
  give(pages.commandFd, FD_COMMAND);
  give(files.result, FD_RESULT);
  give(files.doorbell, FD_DOORBELL);
  const pid = Int32Array.of(0);
  const error = withProgramFile(
    stub.image,
    (path) => -posix_spawn(pid, path, actions, null, ['linux-guest', null], [null]),
  );
  posix_spawn_file_actions_destroy(actions);
  must(error, 'starting the stub process');
  return pid[0];
}

function readMaps(pid: number): HostRange[] {
  return readFileSync(`/proc/${pid}/maps`, 'latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [range, , , , , name = ''] = line.split(/\s+/);
      const [start, end] = range.split('-').map((text) => Number.parseInt(text, 16));
      return { start, end, name };
    });
}

const isVdso = (range: HostRange): boolean => range.name === '[vdso]' || range.name.startsWith('[vvar');

/** Starts the zygote and prepares it. Undefined if the host's vDSO came to lie where the stub's slots go: try again. */
export function startZygote(
  stub: Stub,
  pages: StubPages,
  commands: CommandRunner,
  seat: number,
  files: ZygoteFiles,
): Zygote | undefined {
  pages.setSequence(seat, commands.sequence);
  const process = new StubProcess(spawn(stub, pages, files));
  if (commands.await(seat, process) === undefined) {
    process.end();
    return undefined;
  }

  const run = (calls: readonly (readonly number[])[]): number => {
    calls.forEach(([nr, ...args], index) => {
      pages.setEntry(seat, index, index === calls.length - 1 ? ENTRY_LAST : 0, nr, ...args);
    });
    const result = commands.run(seat, process);
    if (result === undefined) throw new Error('the stub process died at its start');
    return result;
  };
  prepare(stub, pages, seat, run);
  const hostRanges = moveVdso(process.pid, run).map((range) =>
    range.name === '[vdso]' ? { ...range, bytes: readVdso() } : range,
  );
  seal(stub, pages, seat, commands, process);
  if (hostRanges.some(({ start, end }) => end > SLOTS && start < SLOTS + SLOTS_LENGTH)) {
    process.end();
    return undefined;
  }
  return { process, seat, hostRanges, vdso: hostRanges.find((range) => range.name === '[vdso]')?.start ?? 0 };
}

/** Limits, signal handlers, descriptors. */
function prepare(
  stub: Stub,
  pages: StubPages,
  seat: number,
  run: (calls: readonly (readonly number[])[]) => number,
): void {
  pages.setCommandData(seat, DATA_ZEROS, [0, 0, 0, 0]);
  pages.setCommandData(seat, DATA_ONES, [-1, -1]);
  pages.setCommandData(seat, DATA_NAME, [
    ...new Int32Array(new TextEncoder().encode('linux-guest\0').buffer),
  ]);
  const handlerFlags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER;
  const halves = [stub.handler, handlerFlags, stub.restorer].flatMap((value) => [
    (value % TWO32) | 0,
    Math.floor(value / TWO32),
  ]);
  pages.setCommandData(seat, DATA_ACTION, [...halves, -1, -1]);
  const data = (offset: number): number => COMMAND_PAGE + offset;
  const result = run([
    [NR_rt_sigprocmask, SIG_SETMASK, data(DATA_ONES), 0, SIGSET_SIZE],
    [NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0],
    [NR_prctl, PR_SET_NAME, data(DATA_NAME)],
    [NR_prlimit64, 0, RLIMIT_CORE, data(DATA_ZEROS), 0],
    [NR_close_range, FD_COUNT, 0xffff_ffff, 0],
    ...trapSignals.map((signal) => [NR_rt_sigaction, signal, data(DATA_ACTION), 0, SIGSET_SIZE]),
  ]);
  if (result !== 0) throw new Error(`the stub process cannot be prepared: errno ${-result}`);
}

/** Installs the filter, and takes away the page with the secret. From here on only the stub's own calls are possible. */
function seal(
  stub: Stub,
  pages: StubPages,
  seat: number,
  commands: CommandRunner,
  process: StubProcess,
): void {
  pages.setEntry(
    seat,
    0,
    ENTRY_SEAL,
    NR_seccomp,
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    stub.filter,
  );
  pages.setEntry(seat, 1, ENTRY_LAST, NR_munmap, START_PAGE, PAGE);
  const result = commands.run(seat, process);
  if (result !== 0) throw new Error(`the stub process cannot install its filter: errno ${-(result ?? 0)}`);
}

/**
 * Moves the vDSO and its data out of the guest's part into the stub region, where the host allows it (it may have sealed
 * them), and unmaps everything else that is below the stub region or was left by exec. Returns where the vDSO is.
 */
function moveVdso(pid: number, run: (calls: readonly (readonly number[])[]) => number): HostRange[] {
  const maps = readMaps(pid).filter((range) => range.start < 0x8000_0000_0000);
  const vdso = maps.filter(isVdso);
  const ours = (range: HostRange): boolean => range.start >= REGION && range.end <= SLOTS + SLOTS_LENGTH;
  const strays = maps.filter((range) => !isVdso(range) && !ours(range));
  run(strays.map(({ start, end }) => [NR_munmap, start, end - start]));
  let moved = 0;
  const base = vdso[0]?.start ?? 0;
  for (const { start, end } of vdso) {
    const to = VDSO_AREA + (start - base);
    const result = run([[NR_mremap, start, end - start, end - start, MREMAP_MAYMOVE | MREMAP_FIXED, to]]);
    if (result === ((to % TWO32) | 0)) moved++;
  }
  if (moved === vdso.length) {
    return vdso.map(({ start, end, name }) => ({
      start: VDSO_AREA + (start - base),
      end: VDSO_AREA + (end - base),
      name,
    }));
  }
  if (moved > 0) throw new Error('the host moved a part of its vDSO only');
  return vdso;
}
