import { expect, test } from 'vitest';
import type { SystemCall } from '../kernel/syscall.js';
import { O_APPEND, O_RDONLY, O_RDWR } from '../uapi/fcntl.js';
import { SPLICE_F_NONBLOCK } from '../uapi/fs.js';
import { sys_copy_file_range } from './copy-file-range.js';
import { sys_close } from './file-calls.js';
import { sys_pipe2 } from './pipe.js';
import { sys_read, sys_write } from './read-write.js';
import { sys_sendfile, sys_splice, sys_tee, sys_vmsplice } from './splice.js';
import { type TestFile, TestMachine, USER } from './testing.js';

const BUFFER = USER + 0x1000;
const OFFSET = USER + 0x100;

/** Descriptors: pipe 0 and 1, pipe 2 and 3, files 4 ('0123456789') and 5 (empty). */
function setUp() {
  const machine = new TestMachine();
  const task = machine.newProcess();
  const memory = machine.memory(task);
  const call = (to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  const run = async (to: SystemCall, ...values: number[]) =>
    (await machine.start(task, to, ...values)).outcome;
  call(sys_pipe2, USER, 0);
  call(sys_pipe2, USER, 0);
  machine.openFile(task, O_RDWR);
  machine.openFile(task, O_RDWR);
  const files = [4, 5].map((fd) => task.files.get(fd) as TestFile);
  memory.putText(BUFFER, '0123456789');
  call(sys_write, 4, BUFFER, 10);
  files[0].position = 0;
  const put = (text: string, fd = 1) => {
    memory.putText(BUFFER, text);
    expect(call(sys_write, fd, BUFFER, text.length)).toBe(text.length);
  };
  const take = (fd: number) => {
    const count = call(sys_read, fd, BUFFER, 1000);
    return typeof count === 'number' ? memory.getText(BUFFER, count) : count;
  };
  return { machine, task, memory, call, run, files, put, take };
}

test('splice moves a file into a pipe, from its position or from an offset', async () => {
  const { run, memory, files, take } = setUp();
  expect(await run(sys_splice, 4, 0, 1, 0, 4, 0)).toBe(4);
  expect(files[0].position).toBe(4);
  expect(take(0)).toBe('0123');
  memory.putU64(OFFSET, 7);
  expect(await run(sys_splice, 4, OFFSET, 1, 0, 100, 0)).toBe(3);
  expect([memory.getU64(OFFSET), files[0].position]).toEqual([10, 4]);
  expect(take(0)).toBe('789');
  expect(await run(sys_splice, 4, OFFSET, 1, 0, 100, 0)).toBe(0);
});

test('splice moves a pipe into a file', async () => {
  const { run, files, put } = setUp();
  put('hello ');
  put('world');
  expect(await run(sys_splice, 0, 0, 5, 0, 8, 0)).toBe(8);
  expect(files[1].text).toBe('hello wo');
  expect(files[1].position).toBe(8);
  expect(await run(sys_splice, 0, 0, 5, 0, 100, 0)).toBe(3);
});

test('splice moves from pipe to pipe, tee copies', async () => {
  const { run, put, take } = setUp();
  put('abcdef');
  expect(await run(sys_tee, 0, 3, 4, 0)).toBe(4);
  expect(await run(sys_splice, 0, 0, 3, 0, 3, 0)).toBe(3);
  expect(take(2)).toBe('abcdabc');
  expect(take(0)).toBe('def');
});

test('splice waits for bytes, unless told not to', async () => {
  const { machine, task, run, put, call, files } = setUp();
  expect(await run(sys_splice, 0, 0, 5, 0, 8, SPLICE_F_NONBLOCK)).toBe('EAGAIN');
  const waiting = await machine.start(machine.newThread(task), sys_splice, 0, 0, 5, 0, 8, 0);
  expect(waiting.state).toBe('asleep');
  put('abc');
  await machine.settle();
  expect(waiting.outcome).toBe(3);
  expect(files[1].text).toBe('abc');
  call(sys_close, 1);
  expect(await run(sys_splice, 0, 0, 5, 0, 8, 0)).toBe(0);
});

test('splice errors', async () => {
  const { run, machine, task } = setUp();
  expect(await run(sys_splice, 4, 0, 5, 0, 8, 0)).toBe('EINVAL');
  expect(await run(sys_splice, 0, 0, 1, 0, 8, 0)).toBe('EINVAL');
  expect(await run(sys_splice, 0, OFFSET, 5, 0, 8, 0)).toBe('ESPIPE');
  expect(await run(sys_splice, 1, 0, 5, 0, 8, 0)).toBe('EBADF');
  expect(await run(sys_splice, 0, 0, 99, 0, 8, 0)).toBe('EBADF');
  expect(await run(sys_splice, 0, 0, 5, 0, 8, 64)).toBe('EINVAL');
  expect(await run(sys_tee, 4, 3, 4, 0)).toBe('EINVAL');
  const append = machine.openFile(task, O_RDWR | O_APPEND);
  expect(await run(sys_splice, 0, 0, append, 0, 8, 0)).toBe('EINVAL');
});

test('vmsplice moves user memory in and out', async () => {
  const { run, memory, take, put } = setUp();
  memory.putText(BUFFER, 'onetwo');
  memory.putU64(USER, BUFFER + 3);
  memory.putU64(USER + 8, 3);
  expect(await run(sys_vmsplice, 1, USER, 1, 0)).toBe(3);
  expect(take(0)).toBe('two');
  put('xyz');
  expect(await run(sys_vmsplice, 0, USER, 1, 0)).toBe(3);
  expect(memory.getText(BUFFER + 3, 3)).toBe('xyz');
  expect(await run(sys_vmsplice, 4, USER, 1, 0)).toBe('EBADF');
});

test('sendfile copies a file to another, or to a pipe', async () => {
  const { run, memory, files, take, machine, task } = setUp();
  expect(await run(sys_sendfile, 5, 4, 0, 6)).toBe(6);
  expect([files[1].text, files[0].position, files[1].position]).toEqual(['012345', 6, 6]);
  memory.putU64(OFFSET, 2);
  expect(await run(sys_sendfile, 1, 4, OFFSET, 100)).toBe(8);
  expect(take(0)).toBe('23456789');
  expect([memory.getU64(OFFSET), files[0].position]).toEqual([10, 6]);
  expect(await run(sys_sendfile, 5, 0, 0, 1)).toBe('EINVAL');
  expect(await run(sys_sendfile, 5, 0, OFFSET, 1)).toBe('ESPIPE');
  const append = machine.openFile(task, O_RDWR | O_APPEND);
  expect(await run(sys_sendfile, append, 4, 0, 1)).toBe('EINVAL');
});

test('copy_file_range copies between files, and within one if ranges do not meet', async () => {
  const { run, memory, files, machine, task } = setUp();
  expect(await run(sys_copy_file_range, 4, 0, 5, 0, 4, 0)).toBe(4);
  expect([files[1].text, files[0].position, files[1].position]).toEqual(['0123', 4, 4]);
  memory.putU64(OFFSET, 8);
  expect(await run(sys_copy_file_range, 4, OFFSET, 5, 0, 100, 0)).toBe(2);
  expect(files[1].text).toBe('012389');
  memory.putU64(OFFSET, 0);
  memory.putU64(OFFSET + 8, 3);
  expect(await run(sys_copy_file_range, 4, OFFSET, 4, OFFSET + 8, 4, 0)).toBe('EINVAL');
  expect(await run(sys_copy_file_range, 4, OFFSET, 4, OFFSET + 8, 3, 0)).toBe(3);
  expect(files[0].text).toBe('0120126789');
  expect(await run(sys_copy_file_range, 0, 0, 5, 0, 4, 0)).toBe('EINVAL');
  expect(await run(sys_copy_file_range, 4, 0, 5, 0, 4, 1)).toBe('EINVAL');
  const readOnly = machine.openFile(task, O_RDONLY);
  expect(await run(sys_copy_file_range, 4, 0, readOnly, 0, 4, 0)).toBe('EBADF');
});
