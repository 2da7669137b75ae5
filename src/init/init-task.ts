/** Processes that the kernel makes itself: the first one, and the program that a built-in init runs. */
import type { FsContext } from '../fs/fs-context.js';
import { FileTable } from '../fs/file-table.js';
import { rootCredentials } from '../kernel/credentials.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Namespaces } from '../kernel/namespaces.js';
import { Process, ProcessGroup, Session } from '../kernel/process.js';
import { initialRlimits } from '../kernel/rlimits.js';
import { Task } from '../kernel/task.js';

/** What the kernel's own processes live in: the root of the file system, and the namespaces. */
export interface Surroundings {
  readonly fs: FsContext;
  readonly namespaces: Namespaces;
  /** rootfs, the empty file system below the root, where the kernel has device nodes of its own. */
  readonly rootfs: FsContext;
}

/**
 * A process of root with one thread that has no program yet. `parent` undefined makes the first process: number 1, of
 * session and group 0, as on Linux. Another one leads a session of its own.
 */
export function makeProcess(
  kernel: Kernel,
  parent: Process | undefined,
  { fs, namespaces }: Surroundings,
): Task {
  const { pids } = kernel;
  const pid = pids.allocate();
  const groupId = parent === undefined ? 0 : pid;
  const group = new ProcessGroup(groupId, new Session(groupId));
  pids.groups.set(groupId, group);
  pids.sessions.set(groupId, group.session);
  const process = new Process(pid, undefined, parent, group);
  const task = new Task(kernel, pid, process, rootCredentials, new FileTable(), fs, namespaces);
  process.rlimits = parent?.rlimits ?? initialRlimits(pids.maxTasks);
  process.leader = task;
  process.parentTask = parent?.leader;
  process.threads.add(task);
  pids.processes.set(pid, process);
  pids.tasks.set(pid, task);
  return task;
}

/** Runs kernel code of a task, as if it were in a system call. A failure that is nobody's errno rejects. */
export function runAsTask(task: Task, body: () => Promise<void>, failed: (error: unknown) => void): void {
  const { scheduler } = task;
  scheduler.stir(task);
  body().then(
    () => scheduler.settle(task),
    (error: unknown) => {
      scheduler.settle(task);
      failed(error);
    },
  );
}
