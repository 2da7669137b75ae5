import { expect, test } from 'vitest';
import { sys_read, sys_write } from '../../fs/read-write.js';
import { USER } from '../../fs/testing.js';
import { EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../uapi/epoll.js';
import { SIGPIPE, SIGUSR1 } from '../../uapi/signal.js';
import {
  AF_UNIX,
  MSG_DONTWAIT,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_RCVTIMEO,
  __kernel_sock_timeval,
} from '../../uapi/socket.js';
import { sys_recvfrom, sys_sendto } from '../message-calls.js';
import { sys_setsockopt } from '../option-calls.js';
import { sys_accept, sys_connect, sys_listen, sys_socket } from '../socket-calls.js';
import { NetMachine } from '../testing.js';
import { addressBytes } from './address.js';
import { UnixFamily } from './unix.js';

const BUFFER = USER + 0x80000;
const BIG = 0x60000;

const path = (name: string): Uint8Array => addressBytes({ kind: 'path', name });
const abstract = (name: string): Uint8Array => addressBytes({ kind: 'abstract', name });

function setUp(type = SOCK_STREAM) {
  const machine = new NetMachine([UnixFamily]);
  const { task } = machine;
  const memory = machine.memory(task);
  const socket = (): number => machine.call(task, sys_socket, AF_UNIX, type, 0) as number;
  const listener = (address: Uint8Array, backlog = 5): number => {
    const fd = socket();
    expect(machine.bind(task, fd, address)).toBe(0);
    expect(machine.call(task, sys_listen, fd, backlog)).toBe(0);
    return fd;
  };
  return { machine, task, memory, socket, listener };
}

test('a reader waits for a writer, and is told of the end', async () => {
  const { machine, task, memory } = setUp();
  const [a, b] = machine.pair(task, AF_UNIX, SOCK_STREAM);
  const reading = await machine.start(machine.newThread(task), sys_read, a, BUFFER, 10);
  expect(reading.state).toBe('asleep');
  memory.putText(BUFFER + 100, 'text');
  machine.call(task, sys_write, b, BUFFER + 100, 4);
  await machine.settle();
  expect(reading.outcome).toBe(4);
  const again = await machine.start(machine.newThread(task), sys_read, a, BUFFER, 10);
  task.files.close(task, b);
  await machine.settle();
  expect(again.outcome).toBe(0);
});

test('a writer waits until the reader has made room, and writes all', async () => {
  const { machine, task } = setUp();
  const [a, b] = machine.pair(task, AF_UNIX, SOCK_STREAM);
  const writing = await machine.start(machine.newThread(task), sys_write, a, BUFFER, BIG);
  expect(writing.state).toBe('asleep');
  let received = 0;
  while (received < BIG) {
    received += machine.call(task, sys_read, b, BUFFER, 50_000) as number;
    await machine.settle();
  }
  expect(received).toBe(BIG);
  expect(writing.outcome).toBe(BIG);
});

test('a writer whose peer goes has written something', async () => {
  const { machine, task } = setUp();
  const [a, b] = machine.pair(task, AF_UNIX, SOCK_STREAM);
  const writing = await machine.start(machine.newThread(task), sys_write, a, BUFFER, BIG);
  task.files.close(task, b);
  await machine.settle();
  expect(writing.outcome).toBe(212_992);
  expect(task.signals.pending.set.has(SIGPIPE)).toBe(false);
  expect(machine.call(task, sys_write, a, BUFFER, 1)).toBe('EPIPE');
  expect(task.signals.pending.set.has(SIGPIPE)).toBe(true);
});

test('signals end a wait; with a time limit it is not restarted', async () => {
  const { machine, task, memory } = setUp();
  const [a] = machine.pair(task, AF_UNIX, SOCK_STREAM);
  const one = machine.newThread(task);
  const reading = await machine.start(one, sys_read, a, BUFFER, 1);
  await machine.signal(one, SIGUSR1);
  expect(reading.outcome).toBe('ERESTARTSYS');
  memory.copyOut(BUFFER, __kernel_sock_timeval.encode({ tv_sec: 1, tv_usec: 0 }));
  expect(machine.call(task, sys_setsockopt, a, SOL_SOCKET, SO_RCVTIMEO, BUFFER, 16)).toBe(0);
  // The first one's process is about to end.
  const two = machine.newProcess(task.files);
  const limited = await machine.start(two, sys_read, a, BUFFER, 1);
  await machine.signal(two, SIGUSR1);
  expect(limited.outcome).toBe('EINTR');
  const three = await machine.start(machine.newProcess(task.files), sys_read, a, BUFFER, 1);
  await machine.advance(999_000_000);
  expect(three.state).toBe('asleep');
  await machine.advance(1_000_000);
  expect(three.outcome).toBe('EAGAIN');
});

test('a bound socket is a file; whoever may write to it may connect', () => {
  const { machine, task, socket, listener } = setUp();
  listener(path('/socket'));
  expect(machine.list('/')).toMatchObject([{ name: '.' }, { name: '..' }, { name: 'socket' }]);
  expect(machine.connect(task, socket(), path('/socket'))).toBe(0);
  expect(machine.connect(task, socket(), path('/other'))).toBe('ENOENT');
  expect(machine.bind(task, socket(), path('/socket'))).toBe('EADDRINUSE');
});

test('a listener that goes takes connections that were not accepted with it', () => {
  const { machine, task, socket, listener } = setUp();
  const server = listener(abstract('name'));
  const client = socket();
  machine.connect(task, client, abstract('name'));
  task.files.close(task, server);
  expect(machine.poll(task, client) & (EPOLLHUP | EPOLLRDHUP)).toBe(EPOLLHUP | EPOLLRDHUP);
  expect(machine.receive(task, client)).toBe('ECONNRESET');
  expect(machine.receive(task, client)).toMatchObject({ text: '' });
  expect(machine.connect(task, socket(), abstract('name'))).toBe('ECONNREFUSED');
});

test('connecting waits while the backlog is full', async () => {
  const { machine, task, memory, socket, listener } = setUp();
  const server = listener(abstract('full'), 0);
  expect(machine.connect(task, socket(), abstract('full'))).toBe(0);
  const address = abstract('full');
  memory.copyOut(BUFFER, address);
  const late = socket();
  const connecting = await machine.start(machine.newThread(task), sys_connect, late, BUFFER, address.length);
  expect(connecting.state).toBe('asleep');
  expect(machine.accept(task, server)).toBeGreaterThan(0);
  await machine.settle();
  expect(connecting.outcome).toBe(0);
});

test('of several who accept, one gets the connection', async () => {
  const { machine, task, socket, listener } = setUp();
  const server = listener(abstract('several'));
  const accepting = [];
  for (let count = 0; count < 3; count++)
    accepting.push(await machine.start(machine.newThread(task), sys_accept, server, 0, 0));
  machine.connect(task, socket(), abstract('several'));
  await machine.settle();
  expect(accepting.map(({ state }) => state)).toEqual(['done', 'asleep', 'asleep']);
  machine.connect(task, socket(), abstract('several'));
  await machine.settle();
  expect(accepting.map(({ state }) => state)).toEqual(['done', 'done', 'asleep']);
});

test('datagrams keep their boundaries; only so many wait from those who are not connected back', async () => {
  const { machine, task, memory, socket } = setUp(SOCK_DGRAM);
  const server = socket();
  const client = socket();
  machine.bind(task, server, abstract('dgram'));
  machine.connect(task, client, abstract('dgram'));
  for (let count = 0; count < 11; count++) expect(machine.send(task, client, `m${count}`)).toBeGreaterThan(0);
  expect(machine.send(task, client, 'x', [], MSG_DONTWAIT)).toBe('EAGAIN');
  expect(machine.poll(task, client) & EPOLLOUT).toBe(0);
  memory.putText(BUFFER, 'late');
  const sending = await machine.start(machine.newThread(task), sys_sendto, client, BUFFER, 4, 0, 0, 0);
  expect(sending.state).toBe('asleep');
  expect(machine.receive(task, server)).toMatchObject({ text: 'm0' });
  await machine.settle();
  expect(sending.outcome).toBe(4);
  for (let count = 1; count < 11; count++)
    expect(machine.receive(task, server)).toMatchObject({ text: `m${count}` });
  expect(machine.receive(task, server)).toMatchObject({ text: 'late' });
  expect(machine.poll(task, client) & EPOLLOUT).toBe(EPOLLOUT);
});

test('several receivers get one message each', async () => {
  const { machine, task } = setUp();
  const [a, b] = machine.pair(task, AF_UNIX, SOCK_SEQPACKET);
  const receiving = [];
  for (let count = 0; count < 2; count++)
    receiving.push(await machine.start(machine.newThread(task), sys_recvfrom, b, BUFFER, 10, 0, 0, 0));
  machine.send(task, a, 'one');
  await machine.settle();
  expect(receiving.map(({ outcome }) => outcome)).toEqual([3, undefined]);
  machine.send(task, a, 'three');
  await machine.settle();
  expect(receiving.map(({ outcome }) => outcome)).toEqual([3, 5]);
  expect(machine.poll(task, b) & EPOLLIN).toBe(0);
});
