import { expect, test } from 'vitest';
import type { SystemCall } from '../kernel/syscall.js';
import { noCapabilities } from '../kernel/credentials.js';
import { O_APPEND, O_RDONLY, O_RDWR, O_WRONLY } from '../uapi/fcntl.js';
import { RWF_APPEND, RWF_NOWAIT, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET } from '../uapi/fs.js';
import { RLIMIT_FSIZE } from '../uapi/resource.js';
import { SIGXFSZ } from '../uapi/signal.js';
import { S_ISGID, S_ISUID } from '../uapi/stat.js';
import { sys_pipe2 } from './pipe.js';
import {
  sys_lseek,
  sys_pread64,
  sys_preadv,
  sys_preadv2,
  sys_pwrite64,
  sys_pwritev2,
  sys_read,
  sys_readv,
  sys_write,
  sys_writev,
} from './read-write.js';
import { TestFile, TestMachine, USER } from './testing.js';

const BUFFER = USER + 0x1000;
const KERNEL_HALF = 2 ** 47;

function setUp(flags = O_RDWR) {
  const machine = new TestMachine();
  const task = machine.newProcess();
  const fd = machine.openFile(task, flags);
  const call = (to: SystemCall, ...values: number[]) => machine.call(task, to, ...values);
  const memory = machine.memory(task);
  const file = task.files.get(fd) as TestFile;
  const vector = (...ranges: [address: number, length: number][]) => {
    for (const [index, [address, length]] of ranges.entries()) {
      memory.putU64(USER + index * 16, address);
      memory.putU64(USER + index * 16 + 8, length);
    }
    return USER;
  };
  return { machine, task, fd, call, memory, file, vector };
}

test('reads and writes move the position, positioned ones do not', () => {
  const { fd, call, memory, file } = setUp();
  memory.putText(BUFFER, 'abcdef');
  expect(call(sys_write, fd, BUFFER, 6)).toBe(6);
  expect(file.position).toBe(6);
  expect(call(sys_pwrite64, fd, BUFFER, 2, 4)).toBe(2);
  expect(file.text).toBe('abcdab');
  expect(call(sys_pread64, fd, BUFFER, 3, 3)).toBe(3);
  expect(memory.getText(BUFFER, 3)).toBe('dab');
  expect(file.position).toBe(6);
  expect(call(sys_lseek, fd, 1, SEEK_SET)).toBe(1);
  expect(call(sys_read, fd, BUFFER, 100)).toBe(5);
  expect(call(sys_read, fd, BUFFER, 100)).toBe(0);
});

test('errors come in the order of Linux', () => {
  const { fd, call } = setUp(O_RDONLY);
  expect(call(sys_read, 9, 0, 1)).toBe('EBADF');
  expect(call(sys_read, fd, KERNEL_HALF, 1)).toBe('EFAULT');
  expect(call(sys_read, fd, BUFFER, 2 ** 63)).toBe('EFAULT');
  expect(call(sys_write, fd, BUFFER, 1)).toBe('EBADF');
  expect(call(sys_write, fd, KERNEL_HALF, 1)).toBe('EBADF');
  expect(call(sys_pread64, 9, BUFFER, 1, -1)).toBe('EINVAL');
  expect(call(sys_readv, fd, USER, 1025)).toBe('EINVAL');
  expect(call(sys_readv, fd, USER, -1)).toBe('EINVAL');
  expect(call(sys_readv, fd, 8, 1)).toBe('EFAULT');
});

test('vectors are filled in order; lengths are checked before addresses', () => {
  const { fd, call, memory, file, vector } = setUp();
  memory.putText(BUFFER, 'one two');
  expect(call(sys_writev, fd, vector([BUFFER + 4, 3], [BUFFER, 0], [BUFFER, 3]), 3)).toBe(6);
  expect(file.text).toBe('twoone');
  expect(call(sys_preadv, fd, vector([BUFFER, 1], [BUFFER + 9, 2]), 2, 1)).toBe(3);
  expect([memory.getText(BUFFER, 1), memory.getText(BUFFER + 9, 2)]).toEqual(['w', 'oo']);
  expect(call(sys_readv, fd, vector([KERNEL_HALF, 1], [BUFFER, -1]), 2)).toBe('EINVAL');
  expect(call(sys_readv, fd, vector([KERNEL_HALF, 1], [BUFFER, 1]), 2)).toBe('EFAULT');
  expect(call(sys_readv, fd, USER, 0)).toBe(0);
});

test('streams have no positions', () => {
  const { machine, task, call } = setUp();
  const [read, write] = [1, 2];
  machine.call(task, sys_pipe2, USER, 0);
  expect(call(sys_lseek, read, 0, SEEK_CUR)).toBe('ESPIPE');
  expect(call(sys_pread64, read, BUFFER, 1, 0)).toBe('ESPIPE');
  expect(call(sys_pwrite64, write, BUFFER, 1, 0)).toBe('ESPIPE');
  expect(call(sys_lseek, read, 0, 5)).toBe('EINVAL');
});

test('O_APPEND writes at the end, wherever the position is', () => {
  const { fd, call, memory, file } = setUp(O_RDWR | O_APPEND);
  memory.putText(BUFFER, 'abc');
  call(sys_write, fd, BUFFER, 3);
  expect(call(sys_lseek, fd, 0, SEEK_SET)).toBe(0);
  expect(call(sys_write, fd, BUFFER, 1)).toBe(1);
  expect(file.position).toBe(4);
  // Linux appends here, too: pwrite(2), BUGS.
  expect(call(sys_pwrite64, fd, BUFFER + 1, 1, 0)).toBe(1);
  expect(file.text).toBe('abcab');
});

test('preadv2 and pwritev2 take flags, and -1 for the position', () => {
  const { fd, call, memory, file, vector } = setUp();
  memory.putText(BUFFER, 'abcd');
  expect(call(sys_pwritev2, fd, vector([BUFFER, 4]), 1, -1, 0, 0)).toBe(4);
  expect(file.position).toBe(4);
  expect(call(sys_pwritev2, fd, vector([BUFFER, 1]), 1, 0, 0, RWF_APPEND)).toBe(1);
  expect(file.text).toBe('abcda');
  expect(call(sys_preadv2, fd, vector([BUFFER, 9]), 1, -1, 0, RWF_NOWAIT)).toBe(1);
  expect(call(sys_preadv2, fd, vector([BUFFER, 9]), 1, 0, 0, 0x8000)).toBe('EOPNOTSUPP');
  expect(call(sys_preadv2, fd, vector([BUFFER, 9]), 1, -2, 0, 0)).toBe('EINVAL');
});

test('RWF_NOWAIT does not wait for a pipe', () => {
  const { machine, task, call, vector } = setUp();
  machine.call(task, sys_pipe2, USER, 0);
  expect(call(sys_preadv2, 1, vector([BUFFER, 9]), 1, -1, 0, RWF_NOWAIT)).toBe('EAGAIN');
  expect(task.files.get(1).nonBlocking).toBe(false);
});

test('lseek knows all of its five origins', () => {
  const { fd, call } = setUp();
  call(sys_write, fd, BUFFER, 10);
  expect(call(sys_lseek, fd, -3, SEEK_END)).toBe(7);
  expect(call(sys_lseek, fd, -2, SEEK_CUR)).toBe(5);
  expect(call(sys_lseek, fd, -6, SEEK_CUR)).toBe('EINVAL');
  expect(call(sys_lseek, fd, 4, SEEK_DATA)).toBe(4);
  expect(call(sys_lseek, fd, 4, SEEK_HOLE)).toBe(10);
  expect(call(sys_lseek, fd, 10, SEEK_DATA)).toBe('ENXIO');
  expect(call(sys_lseek, fd, 2 ** 40, SEEK_SET)).toBe(2 ** 40);
  expect(call(sys_read, fd, BUFFER, 1)).toBe(0);
});

test('RLIMIT_FSIZE cuts a write, then forbids it with SIGXFSZ', () => {
  const { task, fd, call } = setUp();
  const limits = [...task.process.rlimits];
  limits[RLIMIT_FSIZE] = { soft: 10, hard: 10 };
  task.process.rlimits = limits;
  task.process.handlers.actions[SIGXFSZ] = { ...task.process.handlers.actions[SIGXFSZ], handler: 0x1000 };
  expect(call(sys_write, fd, BUFFER, 8)).toBe(8);
  expect(call(sys_write, fd, BUFFER, 8)).toBe(2);
  expect(task.signals.pending.set.has(SIGXFSZ)).toBe(false);
  expect(call(sys_write, fd, BUFFER, 8)).toBe('EFBIG');
  expect(task.signals.pending.set.has(SIGXFSZ)).toBe(true);
});

test('a write by an ordinary user takes the set-user-ID bits away', () => {
  const { task, fd, call, file } = setUp(O_WRONLY);
  file.inode.mode |= S_ISUID | S_ISGID | 0o10;
  call(sys_write, fd, BUFFER, 1);
  expect(file.inode.mode & (S_ISUID | S_ISGID)).toBe(S_ISUID | S_ISGID);
  task.credentials = { ...task.credentials, euid: 1000, effective: noCapabilities };
  call(sys_write, fd, BUFFER, 1);
  expect(file.inode.mode & (S_ISUID | S_ISGID)).toBe(0);
});

test('a read that reaches unmapped memory moves what it can', () => {
  const { fd, call } = setUp();
  call(sys_write, fd, BUFFER, 100);
  const end = USER + (1 << 20);
  expect(call(sys_pread64, fd, end - 10, 100, 0)).toBe(10);
  expect(call(sys_pread64, fd, end, 100, 0)).toBe('EFAULT');
});
