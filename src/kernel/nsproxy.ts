/**
 * Namespaces of their own: for a child (clone(2)), or for the caller: unshare(2), setns(2). Mounts and host names can be made
 * new. The others are not there, which answers EINVAL, as a Linux does that is built without them.
 */
import { CAP_SYS_ADMIN, CAP_SYS_CHROOT } from '../uapi/capability.js';
import { EINVAL, EPERM } from '../uapi/errno.js';
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  unshareFlags,
} from '../uapi/sched.js';
import { capable } from './credentials.js';
import { type Namespaces, UtsNamespace } from './namespaces.js';
import { mayAccess } from './ptrace-access.js';
import { isAlive } from './signal-send.js';
import { fd, flags, int, syscall } from './syscall.js';
import type { Task } from './task.js';

/** Those that are not built in. */
const missing = CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME;

/**
 * The namespaces that `wanted` asks for; the caller's own where it doesn't. A mount namespace's copy has mounts of its own:
 * whoever gets it must move there with its root and working directory (`enterCopy`).
 */
export function newNamespaces(task: Task, wanted: number): Namespaces {
  if ((wanted & CLONE_NEWUSER) !== 0) throw EINVAL;
  if ((wanted & (missing | CLONE_NEWNS | CLONE_NEWUTS)) === 0) return task.namespaces;
  if (!capable(task.credentials, CAP_SYS_ADMIN)) throw EPERM;
  if ((wanted & missing) !== 0) throw EINVAL;
  const { uts, mount } = task.namespaces;
  return {
    mount: (wanted & CLONE_NEWNS) === 0 ? mount : mount.clone(),
    uts: (wanted & CLONE_NEWUTS) === 0 ? uts : copyUts(uts),
  };
}

function copyUts(from: UtsNamespace): UtsNamespace {
  const copy = new UtsNamespace();
  copy.nodename = from.nodename;
  copy.domainname = from.domainname;
  return copy;
}

/** After `newNamespaces`: the task, whose file-system context is its own, goes where its mounts are. */
export function enterCopy(task: Task, from: Namespaces): void {
  if (task.namespaces.mount !== from.mount) task.namespaces.mount.moveInto(task.fs);
}

/** A task has left these namespaces, or ended. The mounts of a namespace go with its last task. */
export function leaveNamespaces({ kernel }: Task, { mount }: Namespaces): void {
  // Mostly it is init's, and init is the first.
  for (const task of kernel.pids.tasks.values()) if (isAlive(task) && task.namespaces.mount === mount) return;
  mount.end();
}

function change(task: Task, to: Namespaces): void {
  const from = task.namespaces;
  task.namespaces = to;
  if (to.mount !== from.mount) leaveNamespaces(task, from);
}

export const sys_unshare = syscall([flags(unshareFlags)], (task, given) => {
  let wanted = given;
  if ((wanted & CLONE_VM) !== 0) wanted |= CLONE_SIGHAND;
  if ((wanted & CLONE_NEWNS) !== 0) wanted |= CLONE_FS;
  const { process } = task;
  // Threads can't be parted from their process.
  if ((wanted & (CLONE_THREAD | CLONE_SIGHAND)) !== 0 && process.threads.size > 1) throw EINVAL;
  if ((wanted & CLONE_VM) !== 0 && task.memory.users > 1) throw EINVAL;
  const from = task.namespaces;
  const namespaces = newNamespaces(task, wanted);
  if ((wanted & CLONE_FS) !== 0 && task.fs.users > 1) {
    const own = task.fs.clone();
    task.fs.leave();
    task.fs = own;
  }
  if ((wanted & CLONE_FILES) !== 0 && task.files.users > 1) {
    const own = task.files.clone();
    task.files.leave(task);
    task.files = own;
  }
  if (namespaces === from) return 0;
  namespaces.mount.moveInto(task.fs);
  change(task, namespaces);
  return 0;
});

/** setns(2), with a pidfd: several namespaces of one process at once. */
export const sys_setns = syscall([fd, int], (task, descriptor, wanted) => {
  const { kernel } = task;
  const target = kernel.pidFiles.processOf(task.files.get(descriptor))?.leader;
  if (target === undefined || wanted === 0 || (wanted & ~(CLONE_NEWNS | CLONE_NEWUTS)) !== 0) throw EINVAL;
  const { credentials } = task;
  if (!mayAccess(task, target) || !capable(credentials, CAP_SYS_ADMIN)) throw EPERM;
  const entersMounts = (wanted & CLONE_NEWNS) !== 0;
  if (entersMounts) {
    if (!capable(credentials, CAP_SYS_CHROOT)) throw EPERM;
    // Others would be moved along.
    if (task.fs.users > 1) throw EINVAL;
  }
  const { uts, mount } = target.namespaces;
  const to = {
    mount: entersMounts ? mount : task.namespaces.mount,
    uts: (wanted & CLONE_NEWUTS) !== 0 ? uts : task.namespaces.uts,
  };
  if (entersMounts) mount.enter(task);
  change(task, to);
  return 0;
});
