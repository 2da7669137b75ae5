/** The files of one task: what /proc/PID and /proc/PID/task/TID have in common. proc(5). */
import { mayAccess } from '../../kernel/ptrace-access.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Task } from '../../kernel/task.js';
import type { Name } from '../../lib/names.js';
import { oomScore } from '../../mm/oom.js';
import { type FileNamer, maps, smaps, smapsRollup, statm } from '../../mm/proc-maps.js';
import { EACCES, EINVAL, EPERM, ESRCH } from '../../uapi/errno.js';
import { dPath } from '../dcache.js';
import { mountInfo, mountStats, mountsText } from '../proc-mounts.js';
import type { Path } from '../mount.js';
import { filePath } from '../namei.js';
import { type Entry, type Owner, directory } from '../kernfs.js';
import { fdDirectory, fdInfoDirectory } from './fd.js';
import { limitsText, statText, statusText } from './task-status.js';
import { memFile } from './mem.js';

/** `find` gives the task, as long as there is one; `whole` is for the process directory. */
export function taskEntries(
  kernel: Kernel,
  find: () => Task | undefined,
  alive: () => boolean,
  whole: boolean,
): [Name, Entry][] {
  const get = (): Task => {
    const task = find();
    if (task === undefined) throw ESRCH;
    return task;
  };
  const owner = (): Owner => {
    const task = find();
    return { uid: task?.credentials.euid ?? 0, gid: task?.credentials.egid ?? 0 };
  };
  const text = (show: (task: Task, reader: Task) => Name | Uint8Array, mode = 0o444): Entry => ({
    kind: 'text',
    mode,
    alive,
    owner,
    show: (reader) => show(get(), reader),
  });
  /** What only those may see who might trace the task. */
  const guarded = (show: (task: Task) => Name | Uint8Array, mode = 0o400): Entry =>
    text((task, reader) => {
      if (!mayAccess(reader, task)) throw EACCES;
      return show(task);
    }, mode);
  const place = (where: (task: Task) => Path | undefined): Entry => ({
    kind: 'link',
    alive,
    owner,
    target(reader) {
      const task = get();
      const path = where(task);
      if (path === undefined) throw ESRCH;
      return dPath(path, (reader ?? task).fs.root);
    },
    follow(reader) {
      const task = get();
      if (!mayAccess(reader, task)) throw EACCES;
      const path = where(task);
      if (path === undefined) throw ESRCH;
      return path;
    },
  });
  const directoryOf = (entry: Entry): Entry => ({ ...entry, alive, owner });

  return [
    ['attr', directoryOf(directory({ current: text(() => 'unconfined\n') }))],
    ['auxv', guarded((task) => task.mm?.auxv ?? new Uint8Array(0))],
    ['cgroup', text(() => '0::/\n')],
    ['cmdline', text((task) => commandLine(task))],
    [
      'comm',
      {
        kind: 'text',
        mode: 0o644,
        alive,
        owner,
        show: () => `${get().comm}\n`,
        write(writer, name) {
          const task = get();
          if (writer.process !== task.process) throw EINVAL;
          task.comm = name.replace(/\n$/, '').slice(0, 15);
        },
      },
    ],
    ['coredump_filter', text(() => '00000033\n', 0o644)],
    ['cwd', place((task) => (task.state === 'zombie' ? undefined : task.fs.cwd))],
    [
      'environ',
      guarded((task) => (task.mm === undefined ? '' : between(task, task.mm.envStart, task.mm.envEnd))),
    ],
    ['exe', place((task) => task.mm?.exe)],
    ['fd', directoryOf(fdDirectory(get, alive, owner))],
    ['fdinfo', directoryOf(fdInfoDirectory(get, alive, owner))],
    [
      'io',
      guarded(
        () =>
          'rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n',
      ),
    ],
    ['limits', text((task) => limitsText(task.process.rlimits))],
    ['loginuid', loginUid(get, alive, owner)],
    ['maps', guarded((task) => (task.mm === undefined ? '' : maps(task.mm, namerFor(task))), 0o444)],
    ['mem', { kind: 'file', mode: 0o600, alive, owner, open: (context) => memFile(get(), context) }],
    ['mountinfo', { ...text((task) => mountInfo(task)), changed: get().namespaces.mount.changed } as Entry],
    ['mounts', { ...text((task) => mountsText(task)), changed: get().namespaces.mount.changed } as Entry],
    ['mountstats', text((task) => mountStats(task))],
    ['net', directoryOf(netDirectory(kernel))],
    ['ns', directoryOf(namespaces(get, alive, owner))],
    ['oom_adj', number(get, alive, owner, 'oom_adj')],
    ['oom_score', text((task) => `${oomScore(kernel.memory, task.process)}\n`)],
    ['oom_score_adj', number(get, alive, owner, 'oom_score_adj')],
    ['personality', guarded((task) => `${task.personality.toString(16).padStart(8, '0')}\n`)],
    ['root', place((task) => (task.state === 'zombie' ? undefined : task.fs.root))],
    ['sessionid', text(() => '4294967295')],
    ['setgroups', text(() => 'allow\n', 0o644)],
    ['gid_map', text(() => '         0          0 4294967295\n', 0o644)],
    ['uid_map', text(() => '         0          0 4294967295\n', 0o644)],
    ['smaps', guarded((task) => (task.mm === undefined ? '' : smaps(task.mm, namerFor(task))), 0o444)],
    ['smaps_rollup', guarded((task) => (task.mm === undefined ? '' : smapsRollup(task.mm)), 0o444)],
    ['stat', text((task) => statText(task, whole))],
    ['statm', text((task) => statm(task.mm))],
    ['status', text((task) => statusText(task))],
    [
      'syscall',
      guarded((task) =>
        task.state === 'user' ? 'running\n' : `${task.syscallNumber} 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n`,
      ),
    ],
    ['timerslack_ns', text(() => '50000\n', 0o666)],
    [
      'wchan',
      text((task) =>
        task.sleeping === undefined ? '0' : (kernel.arch.syscallNames[task.syscallNumber] ?? '0'),
      ),
    ],
  ];
}

/** Names files as the task itself would see them. */
const namerFor =
  (task: Task): FileNamer =>
  (file) =>
    file.label !== '' || file.mount === undefined ? `/${file.label}` : dPath(filePath(file), task.fs.root);

function between(task: Task, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, Math.min(end - start, 1 << 20)));
  return bytes.subarray(0, task.mm?.copyInto(start, bytes) ?? 0);
}

/** The arguments; a program that has overwritten their last NUL (setproctitle) shows on into its environment. */
function commandLine(task: Task): Uint8Array {
  const { mm } = task;
  if (mm === undefined || mm.argEnd <= mm.argStart) return new Uint8Array(0);
  const bytes = between(task, mm.argStart, mm.argEnd);
  if (bytes.length === 0 || bytes[bytes.length - 1] === 0) return bytes;
  const long = between(task, mm.argStart, mm.envEnd);
  const end = long.indexOf(0);
  return end < 0 ? long : long.subarray(0, end);
}

function loginUid(get: () => Task, alive: () => boolean, owner: () => Owner): Entry {
  return {
    kind: 'text',
    mode: 0o644,
    alive,
    owner,
    show: () => String(get().process.loginUid),
    write(_task, value) {
      const uid = Number(value.trim());
      if (!Number.isInteger(uid)) throw EINVAL;
      get().process.loginUid = uid >>> 0;
    },
  };
}

/** oom_score_adj, and the older oom_adj, which is the same on a scale of -17 to 15. */
function number(
  get: () => Task,
  alive: () => boolean,
  owner: () => Owner,
  name: 'oom_adj' | 'oom_score_adj',
): Entry {
  const old = name === 'oom_adj';
  return {
    kind: 'text',
    mode: 0o644,
    alive,
    owner,
    show() {
      const { oomScoreAdj } = get().process;
      return `${old ? Math.trunc((oomScoreAdj * 17) / 1000) : oomScoreAdj}\n`;
    },
    write(writer, value) {
      const wanted = Number(value.trim());
      const limit = old ? 17 : 1000;
      if (value.trim() === '' || !Number.isInteger(wanted) || Math.abs(wanted) > limit) throw EINVAL;
      const { process } = get();
      const adjustment = old ? Math.trunc((wanted * 1000) / 17) : wanted;
      if (adjustment < process.oomScoreAdj && writer.credentials.euid !== 0) throw EPERM;
      process.oomScoreAdj = adjustment;
    },
  };
}

/** All tasks share one of each kind so far, but for mounts and host names. */
function namespaces(get: () => Task, alive: () => boolean, owner: () => Owner): Entry {
  const kinds = [
    'cgroup',
    'ipc',
    'mnt',
    'net',
    'pid',
    'pid_for_children',
    'time',
    'time_for_children',
    'user',
    'uts',
  ];
  const inode = (kind: Name): number => 4026531832 + kinds.indexOf(kind);
  const entry = (kind: Name): Entry => ({
    kind: 'link',
    alive,
    owner,
    target() {
      get();
      return `${kind.replace('_for_children', '')}:[${inode(kind)}]`;
    },
  });
  const all = new Map(kinds.map((kind) => [kind, entry(kind)] as const));
  return { kind: 'directory', mode: 0o511, list: () => all, find: (name) => all.get(name) };
}

/** /proc/net: what the network has to tell; the files of each protocol come with it. */
function netDirectory(kernel: Kernel): Entry {
  const entries = new Map<Name, Entry>();
  for (const [name, show] of kernel.networkFiles)
    entries.set(name, { kind: 'text', mode: 0o444, show: () => show() });
  return { kind: 'directory', list: () => entries, find: (name) => entries.get(name) };
}
