/** Process groups and sessions: how processes enter and leave them. credentials(7), setpgid(2), setsid(2). */
import type { Kernel } from './kernel.js';
import { type Process, ProcessGroup, Session } from './process.js';

/** A new group in a session, not yet with any member. Its number may be in use for a task, and mostly is. */
export function makeGroup(kernel: Kernel, id: number, session: Session): ProcessGroup {
  const group = new ProcessGroup(id, session);
  kernel.pids.groups.set(id, group);
  return group;
}

export function makeSession(kernel: Kernel, id: number): Session {
  const session = new Session(id);
  kernel.pids.sessions.set(id, session);
  return session;
}

/** Moves a process into a group; the one that it leaves goes when it was the last member. */
export function joinGroup(kernel: Kernel, process: Process, group: ProcessGroup): void {
  if (process.group === group) return;
  const old = process.group;
  group.members.add(process);
  process.group = group;
  old.members.delete(process);
  forgetIfEmpty(kernel, old);
}

/** A process that has been waited for leaves its group. It still knows which it was. */
export function leaveGroup(kernel: Kernel, process: Process): void {
  process.group.members.delete(process);
  forgetIfEmpty(kernel, process.group);
}

function forgetIfEmpty(kernel: Kernel, group: ProcessGroup): void {
  if (group.members.size > 0) return;
  const { pids } = kernel;
  const { session } = group;
  // A group may come to have the same number again, once this one is gone.
  if (pids.groups.get(group.id) === group) pids.groups.delete(group.id);
  session.groups.delete(group);
  if (session.groups.size === 0 && pids.sessions.get(session.id) === session)
    pids.sessions.delete(session.id);
}

/**
 * Whether a group has no member, `ignored` aside, whose parent is in the same session but another group: nobody is left
 * who could continue its stopped jobs. Zombies do not count. setpgid(2), "orphaned process group".
 */
export function isOrphaned(group: ProcessGroup, ignored: Process | undefined): boolean {
  for (const member of group.members) {
    const { parent } = member;
    if (member === ignored || member.exitStatus !== undefined || parent === undefined || parent.pid === 1)
      continue;
    if (parent.group !== group && parent.session === group.session) return false;
  }
  return true;
}
