import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sys_close } from '../../fs/file-calls.js';
import { sys_pipe2 } from '../../fs/pipe.js';
import { USER } from '../../fs/testing.js';
import { O_NONBLOCK } from '../../uapi/fcntl.js';
import { EPOLLERR } from '../../uapi/epoll.js';
import { AF_UNIX, MSG_DONTWAIT, SOCK_DGRAM, SOCK_STREAM } from '../../uapi/socket.js';
import { NetMachine } from '../testing.js';
import { UnixFamily } from './unix.js';

const SECOND = 1e9;

function setUp() {
  const machine = new NetMachine([UnixFamily]);
  const { task } = machine;
  const family = machine.kernel.net.family(AF_UNIX) as UnixFamily;
  const close = (...fds: number[]): void => {
    for (const fd of fds) expect(machine.call(task, sys_close, fd)).toBe(0);
  };
  /** A pipe; its writing end tells by EPOLLERR when the reading end has gone. */
  const pipe = (): [number, number] => {
    machine.call(task, sys_pipe2, USER, O_NONBLOCK);
    const memory = machine.memory(task);
    return [memory.getU32(USER), memory.getU32(USER + 4)];
  };
  const broken = (fd: number): boolean => (task.files.get(fd).poll(task, undefined) & EPOLLERR) !== 0;
  return { machine, task, family, close, pipe, broken };
}

test('a file lives as long as a message has it', () => {
  const { machine, task, close, pipe, broken } = setUp();
  const [a, b] = machine.pair(task, AF_UNIX, SOCK_STREAM);
  const [read, write] = pipe();
  machine.send(task, a, 'x', [read]);
  close(read);
  expect(broken(write)).toBe(false);
  close(a, b);
  expect(broken(write)).toBe(true);
});

test('a chain of sockets as long as one likes is closed without exhausting the stack', () => {
  const { machine, task, close, pipe, broken, family } = setUp();
  const [read, write] = pipe();
  let inner = read;
  for (let depth = 0; depth < 5000; depth++) {
    const [a, b] = machine.pair(task, AF_UNIX, SOCK_DGRAM);
    expect(machine.send(task, a, 'x', [inner])).toBe(1);
    close(inner, a);
    inner = b;
  }
  expect(broken(write)).toBe(false);
  close(inner);
  expect(broken(write)).toBe(true);
  expect(family.inFlight.sockets.size).toBe(0);
});

/** Sockets pass each other on, at random; then all descriptors but a few are closed. */
const scenario = fc.record({
  pairs: fc.integer({ min: 1, max: 5 }),
  sends: fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 25 }),
  kept: fc.array(fc.nat(9), { maxLength: 2 }),
});

test('exactly what cannot be reached any more is closed', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ pairs, sends, kept }) => {
      const { machine, task, close, pipe, broken, family } = setUp();
      const ends: number[] = [];
      for (let pair = 0; pair < pairs; pair++) ends.push(...machine.pair(task, AF_UNIX, SOCK_DGRAM));
      // Into each socket goes the reading end of a pipe of its own; its writing end tells whether the socket still lives.
      const witnesses = ends.map((_, index) => {
        const [read, write] = pipe();
        machine.send(task, ends[index ^ 1], 'w', [read], MSG_DONTWAIT);
        close(read);
        return write;
      });
      /** For each socket the sockets in its queue. */
      const queued = ends.map(() => [] as number[]);
      for (const [through, passed] of sends) {
        const from = through % ends.length;
        const what = passed % ends.length;
        if (machine.send(task, ends[from], 'x', [ends[what]], MSG_DONTWAIT) === 1)
          queued[from ^ 1].push(what);
      }
      const roots = new Set(kept.map((index) => index % ends.length));
      for (const [index, fd] of ends.entries()) if (!roots.has(index)) close(fd);
      await machine.advance(SECOND);
      const reachable = new Set<number>();
      const visit = (index: number): void => {
        if (reachable.has(index)) return;
        reachable.add(index);
        for (const next of queued[index]) visit(next);
      };
      for (const root of roots) visit(root);
      expect(witnesses.map(broken)).toEqual(ends.map((_, index) => !reachable.has(index)));
      for (const root of roots) close(ends[root]);
      await machine.advance(SECOND);
      expect(family.sockets.size).toBe(0);
      expect(family.inFlight.sockets.size).toBe(0);
    }),
    { numRuns: 60 },
  );
});
