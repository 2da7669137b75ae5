/**
 * An init that is part of the kernel, for machines without one of their own: those that boot from the host's files, and those
 * of `uml run`. Process 1 has no program then. It starts one other process, in a session of its own, and when that ends, the
 * machine does. Orphans are reaped since process 1 ignores SIGCHLD: see wait(2).
 *
 * busybox's halt, poweroff and reboot ask init by signal; so does Ctrl-Alt-Del. All others use reboot(2).
 */
import { kernelExec } from '../fs/exec.js';
import { syncAll } from '../fs/sync.js';
import { lookupPath, LOOKUP_DIRECTORY, LOOKUP_FOLLOW } from '../fs/namei.js';
import type { Shutdown } from '../kernel/kernel.js';
import { oops, panic } from '../kernel/panic.js';
import type { Process } from '../kernel/process.js';
import { dequeueSignal } from '../kernel/signal-deliver.js';
import { defaultAction } from '../kernel/signal-state.js';
import type { Task } from '../kernel/task.js';
import { text, type Name } from '../lib/names.js';
import { EACCES, ENOENT, ENOEXEC, ENOTDIR, Errno } from '../uapi/errno.js';
import { SIGCHLD, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIG_IGN } from '../uapi/signal.js';
import { makeProcess, runAsTask, type Surroundings } from './init-task.js';
import { setUp } from '../net/interface.js';
import { openStreams } from './kernel-init.js';

/** What a built-in init starts. */
export interface Program {
  /** The program, looked up in PATH unless it has a slash; and its arguments, itself included. */
  readonly file: Name;
  readonly argv: readonly Name[];
  readonly environment: readonly Name[];
  /** Where it starts; the root if that is not there. */
  readonly cwd: Name | undefined;
  /** Devices for descriptors 0, 1 and 2: those of the first program, if there are several to choose from. */
  readonly streams: readonly Name[];
}

export interface InitHooks {
  /** The process exists, and has no program yet. */
  prepare(task: Task): void;
  /** It has its program, and can run. */
  ready(task: Task): void;
  /** It has ended: its status as a shell shows it. */
  ended(status: number): void;
}

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const SIGNALLED = 128;
/** Any handler that is neither SIG_DFL nor SIG_IGN: signals are kept for the kernel to take. */
const KERNEL_HANDLER = 2;

/** What busybox's commands mean by a signal to init. */
const requests: Readonly<Record<number, Shutdown>> = {
  [SIGUSR1]: { kind: 'halt' },
  [SIGUSR2]: { kind: 'power-off' },
  [SIGTERM]: { kind: 'restart', command: '' },
  [SIGINT]: { kind: 'restart', command: '' },
};

export class BuiltInInit {
  /** The process that it has started. */
  private child: Process | undefined;
  /** Why the program could not be started, for the person who wanted it. */
  complaint: string | undefined;

  constructor(
    private readonly init: Task,
    private readonly surroundings: Surroundings,
  ) {
    init.comm = 'init';
    // As any init does: programs expect to reach themselves by 127.0.0.1.
    const { net } = init.kernel;
    setUp(net, net.loopback, true);
    const { actions } = init.process.handlers;
    actions[SIGCHLD] = { ...defaultAction, handler: SIG_IGN };
    for (const signal of Object.keys(requests))
      actions[Number(signal)] = { ...defaultAction, handler: KERNEL_HANDLER };
  }

  /** The process group that signals to the machine are for. */
  get foreground(): Process['group'] | undefined {
    return this.child?.group;
  }

  /** Starts the program. Programs are tried in turn until one is found. */
  start(programs: readonly Program[], hooks: InitHooks): void {
    const { kernel } = this.init;
    const task = makeProcess(kernel, this.init.process, { ...this.surroundings, fs: this.init.fs.clone() });
    this.child = task.process;
    hooks.prepare(task);
    const failed = (error: unknown): void => {
      const [{ file }] = programs;
      if (!(error instanceof Errno)) {
        oops(kernel, `on the way to ${text(file)}`, error);
        panic(kernel, 'Fatal exception');
        return;
      }
      this.complaint = `uml: ${text(file)}: ${error.message}`;
      kernel.exitCode = error === ENOENT || error === ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE;
      this.powerOff();
    };
    runAsTask(task, () => this.runFirst(task, programs).then(() => hooks.ready(task)), failed);
    runAsTask(this.init, () => this.watch(task.process, hooks), failed);
  }

  private async runFirst(task: Task, programs: readonly Program[]): Promise<void> {
    await openStreams(task, programs[0].streams, this.surroundings.rootfs);
    for (const [index, program] of programs.entries()) {
      try {
        enter(task, program.cwd);
        await execAlongPath(task, program);
        return;
      } catch (error) {
        if (error !== ENOENT || index === programs.length - 1) throw error;
      }
    }
  }

  /** Waits for the program to end, or for a request to end the machine. */
  private async watch(child: Process, hooks: InitHooks): Promise<void> {
    const { init } = this;
    while (child.exitStatus === undefined) {
      const signal = dequeueSignal(init, init.signals.blocked)?.signal;
      if (signal === undefined) await this.sleep();
      else if (signal in requests) init.kernel.shutdown ??= requests[signal];
    }
    const status = child.exitStatus;
    await syncAll(init.kernel);
    hooks.ended((status & 0x7f) === 0 ? status >> 8 : SIGNALLED + (status & 0x7f));
    this.powerOff();
  }

  private async sleep(): Promise<void> {
    try {
      await this.init.process.childChanged.sleep(this.init);
    } catch (error) {
      // A signal came first: the caller looks.
      if (!(error instanceof Errno)) throw error;
    }
  }

  private powerOff(): void {
    this.init.kernel.shutdown ??= { kind: 'power-off' };
  }
}

function enter(task: Task, directory: Name | undefined): void {
  if (directory === undefined) return;
  try {
    task.fs.cwd = lookupPath(task, directory, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    task.kernel.log.warn(`init: cannot start in ${text(directory)}: ${error.message}`);
  }
}

/** execvpe(3): the first that is there and can be run; a file that is no program is a script for the shell. */
async function execAlongPath(task: Task, { file, argv, environment }: Program): Promise<void> {
  const path =
    environment.findLast((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ??
    '/bin:/usr/bin';
  const places = file.includes('/')
    ? [file]
    : path.split(':').map((directory) => `${directory || '.'}/${file}`);
  let failure: Errno = ENOENT;
  for (const place of places) {
    try {
      await kernelExec(task, place, argv, environment);
      return;
    } catch (error) {
      if (error === ENOEXEC) {
        await kernelExec(task, '/bin/sh', ['sh', place, ...argv.slice(1)], environment);
        return;
      }
      if (error === EACCES) failure = EACCES;
      else if (error !== ENOENT && error !== ENOTDIR) throw error;
    }
  }
  throw failure;
}
