import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SystemCall } from '../kernel/syscall.js';
import { F_GETPIPE_SZ, F_SETFL, F_SETPIPE_SZ, O_DIRECT, O_NONBLOCK } from '../uapi/fcntl.js';
import { FIONREAD } from '../uapi/ioctls.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../uapi/poll.js';
import { SIGPIPE, SIGUSR1 } from '../uapi/signal.js';
import { sys_fcntl } from './fcntl.js';
import { sys_close } from './file-calls.js';
import { sys_ioctl } from './ioctl.js';
import { sys_pipe2 } from './pipe.js';
import { sys_read, sys_readv, sys_write } from './read-write.js';
import { TestMachine, USER } from './testing.js';

const R = 0;
const W = 1;
const BUFFER = USER + 0x1000;
const END = USER + (1 << 20);

function setUp(flags = 0) {
  const machine = new TestMachine();
  const task = machine.newProcess();
  const call = (to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  expect(call(sys_pipe2, USER, flags)).toBe(0);
  const poll = (fd: number) => task.files.get(fd).poll(task, undefined);
  return { machine, task, call, poll, memory: machine.memory(task) };
}

test('hands out the two lowest descriptors and moves bytes from one to the other', () => {
  const { call, memory } = setUp();
  expect([memory.getU32(USER), memory.getU32(USER + 4)]).toEqual([R, W]);
  memory.putText(BUFFER, 'hello');
  expect(call(sys_write, W, BUFFER, 5)).toBe(5);
  expect(call(sys_read, R, BUFFER + 100, 3)).toBe(3);
  expect(call(sys_read, R, BUFFER + 103, 100)).toBe(2);
  expect(memory.getText(BUFFER + 100, 5)).toBe('hello');
});

test('leaves no descriptor behind when its result cannot be stored', () => {
  const { call, task } = setUp();
  expect(call(sys_pipe2, 8, 0)).toBe('EFAULT');
  expect(task.files.find(2)).toBeUndefined();
});

test('ends can be used in their own direction only', () => {
  const { call } = setUp();
  expect(call(sys_read, W, BUFFER, 1)).toBe('EBADF');
  expect(call(sys_write, R, BUFFER, 1)).toBe('EBADF');
});

test('a reader waits for a writer', async () => {
  const { machine, task, call } = setUp();
  const reading = await machine.start(machine.newThread(task), sys_read, R, BUFFER, 10);
  expect(reading.state).toBe('asleep');
  call(sys_write, W, BUFFER, 4);
  await machine.settle();
  expect(reading.outcome).toBe(4);
});

test('returns 0 once every writer has closed', async () => {
  const { machine, task, call } = setUp();
  const reading = await machine.start(machine.newThread(task), sys_read, R, BUFFER, 10);
  call(sys_close, W);
  await machine.settle();
  expect(reading.outcome).toBe(0);
});

test('a write to a pipe without readers fails and sends SIGPIPE', () => {
  const { call, task } = setUp();
  call(sys_close, R);
  expect(call(sys_write, W, BUFFER, 1)).toBe('EPIPE');
  expect(task.signals.pending.set.has(SIGPIPE)).toBe(true);
});

test('a writer that loses its reader half-way tells how much was written', async () => {
  const { machine, task, call } = setUp();
  const writer = machine.newThread(task);
  const writing = await machine.start(writer, sys_write, W, BUFFER, 100_000);
  expect(writing.state).toBe('asleep');
  call(sys_close, R);
  await machine.settle();
  expect(writing.outcome).toBe(65536);
  expect(writer.signals.pending.set.has(SIGPIPE)).toBe(true);
});

test('a signal ends a wait: with what was moved, or to be restarted', async () => {
  const { machine, task } = setUp();
  const reader = machine.newThread(task);
  const reading = await machine.start(reader, sys_read, R, BUFFER, 1);
  await machine.signal(reader, SIGUSR1);
  // Not handled by default: the whole process ends, which a wait sees in the same way.
  expect(reading.outcome).toBe('ERESTARTSYS');
});

test('non-blocking ends fail with EAGAIN, and write what fits', () => {
  const { call } = setUp(O_NONBLOCK);
  expect(call(sys_read, R, BUFFER, 1)).toBe('EAGAIN');
  expect(call(sys_write, W, BUFFER, 70_000)).toBe(65536);
  expect(call(sys_write, W, BUFFER, 1)).toBe('EAGAIN');
  call(sys_read, R, BUFFER, 4095);
  expect(call(sys_write, W, BUFFER, 1)).toBe('EAGAIN');
  call(sys_read, R, BUFFER, 1);
  expect(call(sys_write, W, BUFFER, 5000)).toBe(4096);
});

test('small writes share a page when they fit it, and are never split', () => {
  const { call } = setUp(O_NONBLOCK);
  let writes = 0;
  while (call(sys_write, W, BUFFER, 3000) === 3000) writes++;
  expect(writes).toBe(16);
  expect(call(sys_write, W, BUFFER, 1000)).toBe(1000);
});

test('O_DIRECT keeps packets apart and drops what a short read leaves', () => {
  const { call, memory } = setUp(O_DIRECT);
  memory.putText(BUFFER, 'abcdef');
  call(sys_write, W, BUFFER, 3);
  call(sys_write, W, BUFFER + 3, 3);
  expect(call(sys_read, R, USER, 2)).toBe(2);
  expect(memory.getText(USER, 2)).toBe('ab');
  expect(call(sys_read, R, USER, 100)).toBe(3);
  expect(memory.getText(USER, 3)).toBe('def');
});

test('what could not be copied out stays in the pipe', () => {
  const { call, memory } = setUp();
  memory.putText(BUFFER, 'abcdef');
  call(sys_write, W, BUFFER, 6);
  expect(call(sys_read, R, END - 3, 6)).toBe('EFAULT');
  expect(call(sys_read, R, USER, 6)).toBe(6);
  expect(memory.getText(USER, 6)).toBe('abcdef');
  expect(call(sys_write, W, END - 3, 6)).toBe('EFAULT');
});

test('whole pages count although a later one faults', () => {
  const { call } = setUp();
  expect(call(sys_write, W, END - 6000, 10_000)).toBe(4096);
  expect(call(sys_write, W, BUFFER, 4096)).toBe(4096);
  expect(call(sys_read, R, END - 5000, 8192)).toBe(4096);
  expect(call(sys_ioctl, R, FIONREAD, USER)).toBe(0);
});

test('poll tells each end what Linux tells it', () => {
  const { call, poll } = setUp(O_NONBLOCK);
  expect(poll(R)).toBe(0);
  expect(poll(W)).toBe(POLLOUT | POLLWRNORM);
  call(sys_write, W, BUFFER, 70_000);
  expect(poll(R)).toBe(POLLIN | POLLRDNORM);
  expect(poll(W)).toBe(0);
  call(sys_close, W);
  expect(poll(R)).toBe(POLLIN | POLLRDNORM | POLLHUP);
  const other = setUp();
  other.call(sys_close, R);
  expect(other.poll(W)).toBe(POLLOUT | POLLWRNORM | POLLERR);
});

test('can be resized, but not below what it holds', () => {
  const { call, memory } = setUp(O_NONBLOCK);
  expect(call(sys_fcntl, R, F_GETPIPE_SZ, 0)).toBe(65536);
  memory.putText(BUFFER, 'x'.repeat(8191) + 'y');
  call(sys_write, W, BUFFER, 8192);
  expect(call(sys_fcntl, R, F_SETPIPE_SZ, 1)).toBe('EBUSY');
  expect(call(sys_fcntl, R, F_SETPIPE_SZ, 8192)).toBe(8192);
  expect(call(sys_write, W, BUFFER, 1)).toBe('EAGAIN');
  expect(call(sys_fcntl, W, F_SETPIPE_SZ, 8193)).toBe(16384);
  expect(call(sys_write, W, BUFFER, 10_000)).toBe(8192);
  expect(call(sys_read, R, USER + 0x8000, 20_000)).toBe(16384);
  expect(memory.getText(USER + 0x8000 + 8190, 3)).toBe('xyx');
});

test('one write wakes one of several readers, who wakes the next if something is left', async () => {
  const { machine, task, call } = setUp();
  const first = await machine.start(machine.newThread(task), sys_read, R, BUFFER, 1);
  const second = await machine.start(machine.newThread(task), sys_read, R, BUFFER, 1);
  call(sys_write, W, BUFFER, 1);
  await machine.settle();
  expect([first.state, second.state]).toEqual(['done', 'asleep']);
  const third = await machine.start(machine.newThread(task), sys_read, R, BUFFER, 1);
  call(sys_write, W, BUFFER, 2);
  await machine.settle();
  expect([second.state, third.state]).toEqual(['done', 'done']);
});

/** What the model does: a pipe is a queue of bytes. */
type Step =
  | { kind: 'write'; size: number }
  | { kind: 'read'; size: number }
  | { kind: 'readv'; sizes: number[] }
  | { kind: 'resize'; size: number };

const size = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 12_000 }),
  fc.constant(4096),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: size.map((n): Step => ({ kind: 'write', size: n })) },
  { weight: 4, arbitrary: size.map((n): Step => ({ kind: 'read', size: n })) },
  {
    weight: 1,
    arbitrary: fc
      .array(size, { minLength: 1, maxLength: 4 })
      .map((sizes): Step => ({ kind: 'readv', sizes })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(4096, 8192, 65536, 131072).map((n): Step => ({ kind: 'resize', size: n })),
  },
);

test('is a queue of bytes, whatever the sizes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { call, memory } = setUp(O_NONBLOCK);
      const queue: number[] = [];
      let next = 0;
      for (const each of steps) apply(each);
      expect(drain()).toEqual(queue);

      function apply(each: Step): void {
        if (each.kind === 'resize') {
          call(sys_fcntl, R, F_SETPIPE_SZ, each.size);
        } else if (each.kind === 'write') {
          const bytes = Uint8Array.from({ length: each.size }, (_, index) => (next + index) % 251);
          memory.copyOut(BUFFER, bytes);
          const written = call(sys_write, W, BUFFER, each.size);
          if (typeof written !== 'number') expect(written).toBe('EAGAIN');
          else {
            if (each.size <= 4096) expect(written).toBe(each.size);
            queue.push(...bytes.subarray(0, written));
            next += written;
          }
        } else {
          const sizes = each.kind === 'read' ? [each.size] : each.sizes;
          let at = BUFFER;
          for (const [index, length] of sizes.entries()) {
            memory.putU64(USER + index * 16, at);
            memory.putU64(USER + index * 16 + 8, length);
            at += length;
          }
          const total = at - BUFFER;
          const read =
            each.kind === 'read' ? call(sys_read, R, BUFFER, total) : call(sys_readv, R, USER, sizes.length);
          if (queue.length === 0) expect(read).toBe('EAGAIN');
          else {
            expect(read).toBe(Math.min(total, queue.length));
            expect([...memory.copyIn(BUFFER, Number(read))]).toEqual(queue.splice(0, Number(read)));
          }
        }
        expect(call(sys_ioctl, W, FIONREAD, USER)).toBe(0);
        expect(memory.getU32(USER)).toBe(queue.length);
      }

      function drain(): number[] {
        const read = call(sys_read, R, BUFFER, 500_000);
        return typeof read === 'number' ? [...memory.copyIn(BUFFER, read)] : [];
      }
    }),
    { seed: 1, numRuns: 60 },
  );
});

test('F_SETFL makes an end non-blocking', () => {
  const { call } = setUp();
  expect(call(sys_fcntl, R, F_SETFL, O_NONBLOCK)).toBe(0);
  expect(call(sys_read, R, BUFFER, 1)).toBe('EAGAIN');
});
