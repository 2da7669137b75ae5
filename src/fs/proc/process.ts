/** /proc/PID and /proc/PID/task/TID. */
import type { Kernel } from '../../kernel/kernel.js';
import type { Process } from '../../kernel/process.js';
import type { Task } from '../../kernel/task.js';
import type { Name } from '../../lib/names.js';
import type { Entry } from '../kernfs.js';
import { taskEntries } from './task.js';

/** The task that stands for a process: its leader, or another thread once that has gone. */
function leaderOf(process: Process): Task | undefined {
  if (process.leader !== undefined) return process.leader;
  for (const thread of process.threads) return thread;
  return undefined;
}

/** A process by number; the number of another thread leads there too, though no listing shows it. */
export function processDirectory(kernel: Kernel, pid: number): Entry | undefined {
  const process = kernel.pids.processes.get(pid) ?? kernel.pids.tasks.get(pid)?.process;
  const task = process && leaderOf(process);
  if (process === undefined || task === undefined) return undefined;
  const alive = (): boolean => kernel.pids.processes.get(process.pid) === process;
  const entries = new Map<Name, Entry>([
    ...taskEntries(kernel, () => leaderOf(process), alive, true),
    ['task', threadsDirectory(kernel, process, alive)],
  ]);
  return withAlive(
    { kind: 'directory', list: () => entries, find: (name) => entries.get(name) },
    task,
    alive,
  );
}

function threadsDirectory(kernel: Kernel, process: Process, alive: () => boolean): Entry {
  const threadDirectory = (thread: Task): Entry => {
    const there = (): boolean => process.threads.has(thread);
    const entries = new Map<Name, Entry>(taskEntries(kernel, () => thread, there, false));
    return withAlive(
      { kind: 'directory', list: () => entries, find: (name) => entries.get(name) },
      thread,
      there,
    );
  };
  return {
    kind: 'directory',
    alive,
    *list() {
      for (const thread of process.threads) yield [String(thread.tid), threadDirectory(thread)] as const;
    },
    find(name) {
      for (const thread of process.threads) if (String(thread.tid) === name) return threadDirectory(thread);
      return undefined;
    },
  };
}

function withAlive(entry: Entry, task: Task, alive: () => boolean): Entry {
  return { ...entry, alive, owner: () => ({ uid: task.credentials.euid, gid: task.credentials.egid }) };
}
