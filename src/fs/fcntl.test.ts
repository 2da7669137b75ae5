import { expect, test } from 'vitest';
import type { SystemCall } from '../kernel/syscall.js';
import {
  CLOSE_RANGE_CLOEXEC,
  CLOSE_RANGE_UNSHARE,
  FASYNC,
  FD_CLOEXEC,
  F_ADD_SEALS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_GETLEASE,
  F_GETOWN,
  F_GETOWN_EX,
  F_GETPIPE_SZ,
  F_GETSIG,
  F_GET_SEALS,
  F_OWNER_PGRP,
  F_OWNER_TID,
  F_SEAL_SEAL,
  F_SEAL_WRITE,
  F_SETFD,
  F_SETFL,
  F_SETLEASE,
  F_SETOWN,
  F_SETOWN_EX,
  F_SETSIG,
  F_UNLCK,
  O_APPEND,
  O_CLOEXEC,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  f_owner_ex,
} from '../uapi/fcntl.js';
import { FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, FIONREAD } from '../uapi/ioctls.js';
import { RLIMIT_NOFILE } from '../uapi/resource.js';
import { SIGIO, SIGUSR1 } from '../uapi/signal.js';
import { SignalSet } from '../kernel/signal-set.js';
import { sys_fcntl } from './fcntl.js';
import { sys_close, sys_close_range, sys_dup, sys_dup2, sys_dup3 } from './file-calls.js';
import { sys_ioctl } from './ioctl.js';
import { sys_pipe2 } from './pipe.js';
import { sys_read, sys_write } from './read-write.js';
import { type TestFile, TestMachine, USER } from './testing.js';

function setUp(flags = O_RDWR) {
  const machine = new TestMachine();
  const task = machine.newProcess();
  const memory = machine.memory(task);
  const call = (to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  expect(machine.openFile(task, flags)).toBe(0);
  const control = (fd: number, command: number, argument = 0) => call(sys_fcntl, fd, command, argument);
  const open = () => [...task.files.entries()].map(([fd]) => fd);
  const limit = (soft: number) => {
    const limits = [...task.process.rlimits];
    limits[RLIMIT_NOFILE] = { soft, hard: soft };
    task.process.rlimits = limits;
  };
  return { machine, task, memory, call, control, open, limit };
}

test('dup finds the lowest number, F_DUPFD the lowest from its argument on', () => {
  const { call, control, open } = setUp();
  expect(call(sys_dup, 0)).toBe(1);
  expect(control(0, F_DUPFD, 5)).toBe(5);
  expect(control(0, F_DUPFD_CLOEXEC, 5)).toBe(6);
  expect([control(5, F_GETFD), control(6, F_GETFD)]).toEqual([0, FD_CLOEXEC]);
  call(sys_close, 0);
  expect(call(sys_dup, 5)).toBe(0);
  expect(open()).toEqual([0, 1, 5, 6]);
});

test('RLIMIT_NOFILE bounds descriptors', () => {
  const { call, control, limit } = setUp();
  limit(3);
  expect(control(0, F_DUPFD, 3)).toBe('EINVAL');
  expect(control(0, F_DUPFD, -1)).toBe('EINVAL');
  expect([call(sys_dup, 0), call(sys_dup, 0), call(sys_dup, 0)]).toEqual([1, 2, 'EMFILE']);
  expect(call(sys_dup2, 0, 3)).toBe('EBADF');
  expect(call(sys_pipe2, USER, 0)).toBe('EMFILE');
  call(sys_close, 2);
  expect(call(sys_pipe2, USER, 0)).toBe('EMFILE');
  expect(call(sys_dup, 0)).toBe(2);
});

test('dup2 and dup3', () => {
  const { task, call, control } = setUp();
  expect(call(sys_dup2, 0, 0)).toBe(0);
  expect(call(sys_dup2, 9, 9)).toBe('EBADF');
  expect(call(sys_dup2, 0, 4)).toBe(4);
  expect(task.files.get(4)).toBe(task.files.get(0));
  expect(call(sys_dup3, 0, 0, 0)).toBe('EINVAL');
  expect(call(sys_dup3, 0, 4, 1)).toBe('EINVAL');
  expect(call(sys_dup3, 9, 4, 0)).toBe('EBADF');
  expect(call(sys_dup3, 0, 4, O_CLOEXEC)).toBe(4);
  expect(control(4, F_GETFD)).toBe(FD_CLOEXEC);
});

test('close_range closes or marks, for all who share the table or for one', () => {
  const { machine, task, call, control, open } = setUp();
  for (let count = 0; count < 4; count++) call(sys_dup, 0);
  expect(call(sys_close_range, 3, 2, 0)).toBe('EINVAL');
  expect(call(sys_close_range, 1, 2, 4096)).toBe('EINVAL');
  expect(call(sys_close_range, 1, 2, CLOSE_RANGE_CLOEXEC)).toBe(0);
  expect([1, 2, 3].map((fd) => control(fd, F_GETFD))).toEqual([1, 1, 0]);
  const thread = machine.newThread(task);
  expect(machine.call(thread, sys_close_range, 1, 0xffff_ffff, CLOSE_RANGE_UNSHARE)).toBe(0);
  expect([...thread.files.entries()].length).toBe(1);
  expect(open()).toEqual([0, 1, 2, 3, 4]);
  expect(call(sys_close_range, 2, 0xffff_ffff, 0)).toBe(0);
  expect(open()).toEqual([0, 1]);
});

test('F_SETFD and F_SETFL set what they may', () => {
  const { control } = setUp(O_WRONLY);
  control(0, F_SETFD, 3);
  expect(control(0, F_GETFD)).toBe(1);
  expect(control(0, F_SETFL, O_APPEND | O_NONBLOCK | O_RDWR)).toBe(0);
  expect(control(0, F_GETFL)).toBe(O_WRONLY | O_APPEND | O_NONBLOCK);
  control(0, F_SETFL, 0);
  expect(control(0, F_GETFL)).toBe(O_WRONLY);
});

test('O_PATH descriptors can be copied, and not much else', () => {
  const { call, control } = setUp(O_PATH);
  expect(control(0, F_DUPFD, 0)).toBe(1);
  expect(control(0, F_GETFL)).toBe(O_PATH);
  expect(control(0, F_SETFL, 0)).toBe('EBADF');
  expect(call(sys_read, 0, USER, 1)).toBe('EBADF');
  expect(call(sys_ioctl, 0, FIOCLEX, 0)).toBe('EBADF');
});

test('owners are processes or groups that exist', () => {
  const { machine, task, memory, call, control } = setUp();
  const { pid } = task.process;
  expect(control(0, F_GETOWN)).toBe(0);
  expect(control(0, F_SETOWN, pid)).toBe(0);
  expect(control(0, F_GETOWN)).toBe(pid);
  machine.kernel.pids.groups.set(pid, task.process.group);
  expect(control(0, F_SETOWN, -pid)).toBe(0);
  expect(control(0, F_GETOWN_EX, USER)).toBe(0);
  expect(f_owner_ex.decode(memory.copyIn(USER, 8))).toEqual({ type: F_OWNER_PGRP, pid });
  expect(control(0, F_SETOWN, 9999)).toBe('ESRCH');
  memory.copyOut(USER, f_owner_ex.encode({ type: F_OWNER_TID, pid: task.tid }));
  expect(control(0, F_SETOWN_EX, USER)).toBe(0);
  expect(control(0, F_GETOWN)).toBe(pid);
  memory.copyOut(USER, f_owner_ex.encode({ type: 9, pid }));
  expect(call(sys_fcntl, 0, F_SETOWN_EX, USER)).toBe('EINVAL');
  expect([control(0, F_SETSIG, 65), control(0, F_SETSIG, 10), control(0, F_GETSIG)]).toEqual([
    'EINVAL',
    0,
    10,
  ]);
});

test('O_ASYNC sends SIGIO, or the signal that was set, to the owner', () => {
  const { task, memory, call, control } = setUp();
  call(sys_pipe2, USER, 0);
  task.signals.blocked = SignalSet.of(SIGIO, SIGUSR1);
  control(1, F_SETOWN, task.process.pid);
  control(1, F_SETFL, FASYNC);
  expect(control(1, F_GETFL)).toBe(O_RDONLY | FASYNC);
  call(sys_write, 2, USER, 1);
  const pending = task.process.signals.set;
  expect(pending.has(SIGIO)).toBe(true);
  control(1, F_SETSIG, SIGUSR1);
  call(sys_write, 2, USER, 1);
  expect(pending.has(SIGUSR1)).toBe(true);
  task.process.signals.take(SIGIO);
  control(1, F_SETSIG, 0);
  memory.putU32(USER, 0);
  expect(call(sys_ioctl, 1, FIOASYNC, USER)).toBe(0);
  call(sys_write, 2, USER, 1);
  expect(pending.has(SIGIO)).toBe(false);
  memory.putU32(USER, 1);
  expect(call(sys_ioctl, 0, FIOASYNC, USER)).toBe('ENOTTY');
});

test('leases and seals', () => {
  const { task, control } = setUp();
  expect(control(0, F_GETLEASE)).toBe(F_UNLCK);
  expect(control(0, F_SETLEASE, F_UNLCK)).toBe('EAGAIN');
  expect(control(0, F_GET_SEALS)).toBe('EINVAL');
  const file = task.files.get(0) as TestFile;
  file.inode.seals = 0;
  expect(control(0, F_ADD_SEALS, F_SEAL_WRITE)).toBe(0);
  expect(control(0, F_ADD_SEALS, 0x1000)).toBe('EINVAL');
  expect(control(0, F_ADD_SEALS, F_SEAL_SEAL)).toBe(0);
  expect(control(0, F_GET_SEALS)).toBe(F_SEAL_WRITE | F_SEAL_SEAL);
  expect(control(0, F_ADD_SEALS, 0)).toBe('EPERM');
});

test('unknown commands, wrong kinds and bad descriptors', () => {
  const { control } = setUp();
  expect(control(0, 999)).toBe('EINVAL');
  expect(control(9, F_GETFD)).toBe('EBADF');
  expect(control(0, F_GETPIPE_SZ)).toBe('EBADF');
});

test('ioctls that every file knows', () => {
  const { task, memory, call, control } = setUp();
  call(sys_ioctl, 0, FIOCLEX, 0);
  expect(control(0, F_GETFD)).toBe(1);
  call(sys_ioctl, 0, FIONCLEX, 0);
  expect(control(0, F_GETFD)).toBe(0);
  memory.putU32(USER, 1);
  call(sys_ioctl, 0, FIONBIO, USER);
  expect(task.files.get(0).nonBlocking).toBe(true);
  call(sys_write, 0, USER, 10);
  task.files.get(0).position = 3;
  expect(call(sys_ioctl, 0, FIONREAD, USER)).toBe(0);
  expect(memory.getU32(USER)).toBe(7);
  expect(call(sys_ioctl, 0, 0x5401, USER)).toBe('ENOTTY');
  expect(call(sys_ioctl, 9, 0x5401, USER)).toBe('EBADF');
});
