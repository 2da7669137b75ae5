import { beforeEach, expect, test } from 'vitest';
import type { Kernel } from './kernel.js';
import { PidTable } from './pid.js';
import { Process, type ProcessGroup, type Session } from './process.js';
import { isOrphaned, joinGroup, leaveGroup, makeGroup, makeSession } from './process-group.js';

let pids: PidTable;
let kernel: Kernel;
let session: Session;
let shellGroup: ProcessGroup;
let shell: Process;

beforeEach(() => {
  pids = new PidTable();
  kernel = { pids } as Kernel;
  session = makeSession(kernel, 10);
  shellGroup = makeGroup(kernel, 10, session);
  const init = new Process(1, undefined, undefined, makeGroup(kernel, 1, makeSession(kernel, 1)));
  shell = new Process(10, undefined, init, shellGroup);
});

function job(pid: number, parent = shell): Process {
  const process = new Process(pid, undefined, parent, shellGroup);
  joinGroup(kernel, process, pids.groups.get(pid) ?? makeGroup(kernel, pid, session));
  return process;
}

test('a group is gone with its last member, and a session with its last group', () => {
  const process = job(20);
  expect(pids.groups.get(20)).toBe(process.group);
  leaveGroup(kernel, process);
  expect(pids.groups.has(20)).toBe(false);
  expect(pids.sessions.has(10)).toBe(true);
  leaveGroup(kernel, shell);
  expect(pids.sessions.has(10)).toBe(false);
});

test('a number that names a group is not handed out', () => {
  const leader = job(2);
  const member = new Process(3, undefined, shell, leader.group);
  leaveGroup(kernel, leader);
  expect(member.group.id).toBe(2);
  expect(pids.inUse(2)).toBe(true);
});

test('a job is no orphan while its shell is in the session', () => {
  const process = job(20);
  expect(isOrphaned(process.group, undefined)).toBe(false);
  expect(isOrphaned(shellGroup, undefined)).toBe(true);
});

test('a parent in the same group, in another session, or init makes no link', () => {
  const leader = job(20);
  const member = new Process(21, undefined, leader, leader.group);
  expect(isOrphaned(leader.group, undefined)).toBe(false);
  expect(isOrphaned(leader.group, leader)).toBe(true);
  member.parent = shell;
  expect(isOrphaned(leader.group, leader)).toBe(false);
  member.exitStatus = 0;
  expect(isOrphaned(leader.group, leader)).toBe(true);
});
