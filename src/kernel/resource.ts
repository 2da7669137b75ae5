/** Resource limits: getrlimit(2), setrlimit(2), prlimit(2). Each is enforced where the resource is used. */
import { CAP_SYS_RESOURCE } from '../uapi/capability.js';
import { EINVAL, EPERM, ESRCH } from '../uapi/errno.js';
import { RLIMIT_CPU, RLIMIT_NOFILE, RLIM_NLIMITS, rlimit } from '../uapi/resource.js';
import { startCpuLimit } from './cpu-timers.js';
import { capable } from './credentials.js';
import type { Process } from './process.js';
import type { Rlimit } from './rlimits.js';
import { address, int, syscall, uint } from './syscall.js';
import type { Task } from './task.js';

/** /proc/sys/fs/nr_open. */
const NR_OPEN = 1_048_576;

function readLimit({ memory }: Task, at: number): Rlimit {
  const { rlim_cur: soft, rlim_max: hard } = rlimit.decode(memory.copyIn(at, rlimit.size));
  return { soft, hard };
}

function writeLimit({ memory }: Task, at: number, { soft, hard }: Rlimit): void {
  memory.copyOut(at, rlimit.encode({ rlim_cur: soft, rlim_max: hard }));
}

function getLimit({ rlimits }: Process, resource: number): Rlimit {
  if (resource >= RLIM_NLIMITS) throw EINVAL;
  return rlimits[resource];
}

function setLimit(task: Task, process: Process, resource: number, wanted: Rlimit): void {
  const old = getLimit(process, resource);
  if (wanted.soft > wanted.hard) throw EINVAL;
  if (resource === RLIMIT_NOFILE && wanted.hard > NR_OPEN) throw EPERM;
  if (wanted.hard > old.hard && !capable(task.credentials, CAP_SYS_RESOURCE)) throw EPERM;
  process.rlimits = process.rlimits.with(resource, wanted);
  if (resource === RLIMIT_CPU) startCpuLimit(task.kernel, process);
}

export const sys_getrlimit = syscall([uint, address], (task, resource, at) => {
  writeLimit(task, at, getLimit(task.process, resource));
  return 0;
});

export const sys_setrlimit = syscall([uint, address], (task, resource, at) => {
  setLimit(task, task.process, resource, readLimit(task, at));
  return 0;
});

export const sys_prlimit64 = syscall([int, uint, address, address], (task, pid, resource, newAt, oldAt) => {
  const wanted = newAt === 0 ? undefined : readLimit(task, newAt);
  const target = pid === 0 ? task : task.kernel.pids.tasks.get(pid);
  if (target === undefined) throw ESRCH;
  checkAccess(task, target);
  const old = getLimit(target.process, resource);
  if (wanted !== undefined) setLimit(task, target.process, resource, wanted);
  if (oldAt !== 0) writeLimit(task, oldAt, old);
  return 0;
});

/** All IDs of the target must be the caller's real ones. */
function checkAccess(task: Task, target: Task): void {
  if (task === target || capable(task.credentials, CAP_SYS_RESOURCE)) return;
  const { uid, gid } = task.credentials;
  const { credentials: other } = target;
  const users = [other.euid, other.suid, other.uid];
  const groups = [other.egid, other.sgid, other.gid];
  if (users.some((id) => id !== uid) || groups.some((id) => id !== gid)) throw EPERM;
}
