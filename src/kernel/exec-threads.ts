/** A thread that calls execve is alone afterwards, and is the leader: Linux's de_thread(). */
import { endOtherThreads, forgetThread } from './exit.js';
import type { Process } from './process.js';
import { signalledStatus } from '../uapi/wait.js';
import { SIGKILL } from '../uapi/signal.js';
import type { Task } from './task.js';

/** Ends all other threads of the process, and takes the leader's number. Throws when the task itself is killed. */
export async function becomeOnlyThread(task: Task): Promise<void> {
  const { process } = task;
  if (process.threads.size > 1) {
    process.execing = task;
    try {
      endOtherThreads(task, signalledStatus(SIGKILL, false));
      while (othersAlive(process, task)) await process.changed.sleepKillable(task);
    } finally {
      process.execing = undefined;
    }
  }
  if (!task.isLeader) succeedLeader(task);
}

function othersAlive(process: Process, task: Task): boolean {
  for (const thread of process.threads) if (thread !== task && thread.context !== undefined) return true;
  return false;
}

/** The leader has exited and is a zombie; to the outside, it is now this thread. */
function succeedLeader(task: Task): void {
  const { process, kernel } = task;
  const { leader } = process;
  kernel.pids.tasks.delete(task.tid);
  if (leader !== undefined) {
    task.startTime = leader.startTime;
    forgetThread(leader);
  }
  task.tid = process.pid;
  process.leader = task;
  kernel.pids.tasks.set(task.tid, task);
}
