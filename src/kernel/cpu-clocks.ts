/** Clocks that measure the CPU time of a process or a thread: clock_getcpuclockid(3), pthread_getcpuclockid(3). */
import { EINVAL } from '../uapi/errno.js';
import {
  CLOCKFD,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_THREAD_CPUTIME_ID,
  CPUCLOCK_PERTHREAD_MASK,
} from '../uapi/time.js';
import { processCpuTime, taskCpuTime } from './cputime.js';
import type { Process } from './process.js';
import { isAlive } from './signal-send.js';
import type { Task } from './task.js';

export interface CpuClock {
  /** Nanoseconds used so far. */
  read(): number;
  /** How many threads can use it at the same time, at most. */
  readonly threads: number;
  /** Whose timers they are that follow it. */
  readonly process: Process;
}

class ProcessClock implements CpuClock {
  constructor(readonly process: Process) {}
  read(): number {
    return processCpuTime(this.process);
  }
  get threads(): number {
    return Math.max(1, this.process.threads.size);
  }
}

class ThreadClock implements CpuClock {
  readonly threads = 1;
  constructor(private readonly task: Task) {}
  get process(): Process {
    return this.task.process;
  }
  read(): number {
    return taskCpuTime(this.task);
  }
}

export const processClock = (process: Process): CpuClock => new ProcessClock(process);

/** The CPU clock that an identifier names. EINVAL when it names none, or one of somebody who is not there. */
export function cpuClock(task: Task, id: number): CpuClock {
  if (id === CLOCK_PROCESS_CPUTIME_ID) return new ProcessClock(task.process);
  if (id === CLOCK_THREAD_CPUTIME_ID) return new ThreadClock(task);
  // Otherwise the complement of a process or thread number, three bits up. Its kind does not matter here: all is user time.
  const kind = id & 3;
  if (id >= 0 || kind === CLOCKFD) throw EINVAL;
  const number = ~(id >> 3);
  const { tasks, processes } = task.kernel.pids;
  if ((id & CPUCLOCK_PERTHREAD_MASK) !== 0) {
    const thread = number === 0 ? task : tasks.get(number);
    if (thread === undefined || thread.process !== task.process || !isAlive(thread)) throw EINVAL;
    return new ThreadClock(thread);
  }
  const process = number === 0 ? task.process : processes.get(number);
  if (process === undefined) throw EINVAL;
  return new ProcessClock(process);
}
