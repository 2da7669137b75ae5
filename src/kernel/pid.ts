/** Process numbers: who has which. pid_max as on Linux; numbers are handed out in rising order and wrap. */
import { EAGAIN } from '../uapi/errno.js';
import type { Process, ProcessGroup, Session } from './process.js';
import type { Task } from './task.js';

export class PidTable {
  readonly tasks = new Map<number, Task>();
  readonly processes = new Map<number, Process>();
  readonly groups = new Map<number, ProcessGroup>();
  readonly sessions = new Map<number, Session>();
  max = 32768;
  /** Most tasks at a time, zombies included: /proc/sys/kernel/threads-max. */
  maxTasks = 4096;
  private last = 0;

  /** A number that no task, process, group or session has. EAGAIN when there is none, or there are too many tasks. */
  allocate(): number {
    if (this.tasks.size >= this.maxTasks) throw EAGAIN;
    for (let tries = 0; tries < this.max; tries++) {
      // Linux starts again at 300 (RESERVED_PIDS) once the numbers have wrapped.
      this.last = this.last + 1 >= this.max ? 300 : this.last + 1;
      if (!this.inUse(this.last)) return this.last;
    }
    throw EAGAIN;
  }

  /** The number handed out last: /proc/loadavg, ns_last_pid. */
  get lastAllocated(): number {
    return this.last;
  }

  /** Tasks whose real user is `uid`: RLIMIT_NPROC. */
  countOfUser(uid: number): number {
    let count = 0;
    for (const { credentials } of this.tasks.values()) if (credentials.uid === uid) count++;
    return count;
  }

  inUse(id: number): boolean {
    return this.tasks.has(id) || this.processes.has(id) || this.groups.has(id) || this.sessions.has(id);
  }
}
