/** The machine's names: uname(2), sethostname(2), setdomainname(2). */
import { nameFromBytes, type Name } from '../lib/names.js';
import { CAP_SYS_ADMIN } from '../uapi/capability.js';
import { EINVAL, EPERM } from '../uapi/errno.js';
import { UNAME26 } from '../uapi/personality.js';
import { __NEW_UTS_LEN, new_utsname } from '../uapi/utsname.js';
import { capable } from './credentials.js';
import { address, int, syscall } from './syscall.js';
import type { Task } from './task.js';
import { UTS_RELEASE, UTS_SYSNAME, UTS_VERSION } from './version.js';

export const sys_uname = syscall([address], (task, at) => {
  const { nodename, domainname } = task.namespaces.uts;
  const record = {
    sysname: UTS_SYSNAME,
    nodename,
    release: releaseFor(task),
    version: UTS_VERSION,
    machine: task.kernel.arch.machine,
    domainname,
  };
  task.memory.copyOut(at, new_utsname.encode(record));
  return 0;
});

/** personality(2) UNAME26: for programs that can't read a version above 2.6. */
function releaseFor({ personality }: Task): Name {
  if ((personality & UNAME26) === 0) return UTS_RELEASE;
  const [, minor, rest] = /^\d+\.(\d+)[^-+]*(.*)$/.exec(UTS_RELEASE) ?? [];
  return `2.6.${60 + Number(minor)}${rest}`;
}

function readName(task: Task, at: number, length: number): Name {
  if (!capable(task.credentials, CAP_SYS_ADMIN)) throw EPERM;
  if (length < 0 || length > __NEW_UTS_LEN) throw EINVAL;
  const name = nameFromBytes(task.memory.copyIn(at, length));
  const end = name.indexOf('\0');
  return end < 0 ? name : name.slice(0, end);
}

export const sys_sethostname = syscall([address, int], (task, at, length) => {
  task.namespaces.uts.nodename = readName(task, at, length);
  return 0;
});

export const sys_setdomainname = syscall([address, int], (task, at, length) => {
  task.namespaces.uts.domainname = readName(task, at, length);
  return 0;
});
