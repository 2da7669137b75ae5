import { expect, test } from 'vitest';
import type { SystemCall } from '../kernel/syscall.js';
import { SignalSet } from '../kernel/signal-set.js';
import { EPOLLIN } from '../uapi/epoll.js';
import { SIGTERM, SIGUSR1, SIGUSR2 } from '../uapi/signal.js';
import { SFD_NONBLOCK, signalfd_siginfo } from '../uapi/signalfd.js';
import { sys_read, sys_write } from './read-write.js';
import { sys_signalfd4 } from './signalfd.js';
import { TestMachine, USER } from './testing.js';

const SIZE = signalfd_siginfo.size;
const BUFFER = USER + 0x1000;

function setUp(flags = SFD_NONBLOCK) {
  const machine = new TestMachine();
  const task = machine.newProcess();
  const memory = machine.memory(task);
  const call = (to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  task.signals.blocked = SignalSet.of(SIGUSR1, SIGUSR2, SIGTERM);
  const open = (at: number, ...signals: number[]) => {
    memory.putU64(USER, SignalSet.of(...signals).lo);
    return call(sys_signalfd4, at, USER, 8, flags);
  };
  expect(open(-1, SIGUSR1, SIGUSR2)).toBe(0);
  const read = (room = 10 * SIZE) => {
    const count = call(sys_read, 0, BUFFER, room);
    if (typeof count !== 'number') return count;
    return Array.from({ length: count / SIZE }, (_, index) =>
      signalfd_siginfo.decode(memory.copyIn(BUFFER + index * SIZE, SIZE)),
    );
  };
  const poll = () => task.files.get(0).poll(task, undefined);
  return { machine, task, call, open, read, poll };
}

test('reads the pending signals of its set, and no others', async () => {
  const { machine, task, read, poll } = setUp();
  expect(read()).toBe('EAGAIN');
  await machine.signal(task, SIGTERM);
  expect(poll()).toBe(0);
  await machine.signal(task, SIGUSR2);
  await machine.signal(task, SIGUSR1);
  expect(poll()).toBe(EPOLLIN);
  expect(read(SIZE)).toMatchObject([{ ssi_signo: SIGUSR1, ssi_code: 0, ssi_pid: task.process.pid }]);
  expect(read()).toMatchObject([{ ssi_signo: SIGUSR2 }]);
  expect(poll()).toBe(0);
  expect(task.signals.pending.set.has(SIGTERM)).toBe(true);
});

test('a reader waits for a signal', async () => {
  const { machine, task } = setUp(0);
  const reading = await machine.start(task, sys_read, 0, BUFFER, SIZE);
  expect(reading.state).toBe('asleep');
  await machine.signal(task, SIGUSR1);
  expect(reading.outcome).toBe(SIZE);
});

test('its set can be changed', async () => {
  const { machine, task, open, read, poll } = setUp();
  await machine.signal(task, SIGTERM);
  expect(open(0, SIGTERM)).toBe(0);
  expect(poll()).toBe(EPOLLIN);
  expect(read()).toMatchObject([{ ssi_signo: SIGTERM }]);
});

test('errors', () => {
  const { machine, task, call, open } = setUp();
  expect(call(sys_read, 0, BUFFER, SIZE - 1)).toBe('EINVAL');
  expect(call(sys_write, 0, BUFFER, SIZE)).toBe('EINVAL');
  expect(call(sys_signalfd4, -1, USER, 4, 0)).toBe('EINVAL');
  expect(call(sys_signalfd4, -1, 8, 8, 0)).toBe('EFAULT');
  expect(open(9, SIGUSR1)).toBe('EBADF');
  expect(open(machine.openFile(task, 0), SIGUSR1)).toBe('EINVAL');
});
