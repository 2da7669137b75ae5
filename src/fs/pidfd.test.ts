import { expect, test } from 'vitest';
import type { SystemCall } from '../kernel/syscall.js';
import { SignalSet } from '../kernel/signal-set.js';
import { EPOLLIN, EPOLLRDNORM } from '../uapi/epoll.js';
import { FD_CLOEXEC, F_GETFD, O_RDWR } from '../uapi/fcntl.js';
import { KCMP_FILE, KCMP_FILES, KCMP_VM } from '../uapi/kcmp.js';
import { SIGUSR1 } from '../uapi/signal.js';
import { sys_fcntl } from './fcntl.js';
import { sys_dup } from './file-calls.js';
import { sys_kcmp } from './kcmp.js';
import { sys_pidfd_getfd, sys_pidfd_open, sys_pidfd_send_signal } from './pidfd.js';
import { TestMachine } from './testing.js';

function setUp() {
  const machine = new TestMachine();
  const task = machine.newProcess();
  const other = machine.newProcess();
  const call = (to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  return { machine, task, other, call };
}

test('stands for a process until it is gone', () => {
  const { machine, task, other, call } = setUp();
  expect(call(sys_pidfd_open, other.process.pid, 0)).toBe(0);
  expect(call(sys_fcntl, 0, F_GETFD, 0)).toBe(FD_CLOEXEC);
  const file = task.files.get(0);
  expect(machine.kernel.pidFiles.processOf(file)).toBe(other.process);
  expect(file.poll(task, undefined)).toBe(0);
  other.signals.blocked = SignalSet.of(SIGUSR1);
  expect(call(sys_pidfd_send_signal, 0, SIGUSR1, 0, 0)).toBe(0);
  expect(other.process.signals.set.has(SIGUSR1)).toBe(true);
  expect(file.showFdInfo()).toBe(`Pid:\t${other.process.pid}\nNSpid:\t${other.process.pid}\n`);
  other.process.exitStatus = 0;
  expect(file.poll(task, undefined)).toBe(EPOLLIN | EPOLLRDNORM);
  machine.kernel.pids.processes.delete(other.process.pid);
  expect(call(sys_pidfd_send_signal, 0, SIGUSR1, 0, 0)).toBe('ESRCH');
  expect(file.showFdInfo()).toBe('Pid:\t-1\nNSpid:\t-1\n');
});

test('fetches descriptors of the process', () => {
  const { machine, task, other, call } = setUp();
  machine.openFile(other, O_RDWR);
  call(sys_pidfd_open, other.process.pid, 0);
  expect(call(sys_pidfd_getfd, 0, 0, 0)).toBe(1);
  expect(task.files.get(1)).toBe(other.files.get(0));
  expect(call(sys_pidfd_getfd, 0, 5, 0)).toBe('EBADF');
  expect(call(sys_pidfd_getfd, 1, 0, 0)).toBe('EBADF');
});

test('errors', () => {
  const { machine, task, call } = setUp();
  expect(call(sys_pidfd_open, 0, 0)).toBe('EINVAL');
  expect(call(sys_pidfd_open, 9999, 0)).toBe('ESRCH');
  expect(call(sys_pidfd_open, machine.newThread(task).tid, 0)).toBe('EINVAL');
  expect(call(sys_pidfd_open, task.process.pid, 1)).toBe('EINVAL');
});

test('kcmp tells what is shared', () => {
  const { machine, task, other, call } = setUp();
  const thread = machine.newThread(task);
  machine.openFile(task, O_RDWR);
  machine.openFile(other, O_RDWR);
  call(sys_dup, 0);
  expect(call(sys_kcmp, task.tid, task.tid, KCMP_FILE, 0, 1)).toBe(0);
  expect(call(sys_kcmp, task.tid, other.tid, KCMP_FILE, 0, 0)).toBe(3);
  expect(call(sys_kcmp, task.tid, thread.tid, KCMP_VM, 0, 0)).toBe(0);
  expect(call(sys_kcmp, task.tid, other.tid, KCMP_FILES, 0, 0)).toBe(3);
  expect(call(sys_kcmp, task.tid, task.tid, KCMP_FILE, 0, 7)).toBe('EBADF');
  expect(call(sys_kcmp, task.tid, 9999, KCMP_VM, 0, 0)).toBe('ESRCH');
  expect(call(sys_kcmp, task.tid, task.tid, 99, 0, 0)).toBe('EINVAL');
});
