/** The top of /proc: the machine's files, and a directory for each process. */
import type { Kernel } from '../../kernel/kernel.js';
import type { Task } from '../../kernel/task.js';
import type { Name } from '../../lib/names.js';
import type { Entry } from '../kernfs.js';
import { link } from '../kernfs.js';
import { machineEntries } from './machine.js';
import { processDirectory } from './process.js';
import { sysDirectory } from './sysctl.js';

export function rootEntries(kernel: Kernel): Entry {
  const fixed = new Map<Name, Entry>([
    ['self', link((task) => String(task?.process.pid ?? ''))],
    ['thread-self', link((task) => (task === undefined ? '' : `${task.process.pid}/task/${task.tid}`))],
    ['mounts', link(() => 'self/mounts')],
    ['net', link(() => 'self/net')],
    ['sys', sysDirectory(kernel)],
    ...Object.entries(machineEntries(kernel)),
  ]);
  return {
    kind: 'directory',
    *list(_task: Task) {
      yield* fixed;
      for (const process of kernel.pids.processes.values()) {
        const found = processDirectory(kernel, process.pid);
        if (found !== undefined) yield [String(process.pid), found] as const;
      }
    },
    find: (name: Name) =>
      fixed.get(name) ?? (/^[1-9]\d*$/.test(name) ? processDirectory(kernel, Number(name)) : undefined),
  };
}
