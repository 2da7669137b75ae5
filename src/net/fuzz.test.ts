/**
 * Calls in no order that makes sense, with arguments that are right often enough: whatever a guest does, it gets a result or an
 * error number, and the machine goes on. An exception of any other kind would be an oops.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sys_close, sys_dup } from '../fs/file-calls.js';
import { sys_ioctl } from '../fs/ioctl.js';
import { sys_read, sys_readv, sys_write } from '../fs/read-write.js';
import { USER } from '../fs/testing.js';
import type { SystemCall } from '../kernel/syscall.js';
import { sockaddr_in } from '../uapi/in.js';
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, nlmsghdr, sockaddr_nl } from '../uapi/netlink.js';
import { CMSG_LEN, cmsghdr, msghdr, SCM_RIGHTS, SOL_SOCKET } from '../uapi/socket.js';
import { iovec } from '../uapi/uio.js';
import { setUp } from './interface.js';
import { Inet6Family, InetFamily } from './inet/inet.js';
import { sys_recvfrom, sys_recvmsg, sys_sendmsg, sys_sendto } from './message-calls.js';
import { sys_recvmmsg, sys_sendmmsg } from './mmsg-calls.js';
import { NetlinkFamily } from './netlink/netlink.js';
import { sys_getsockopt, sys_setsockopt } from './option-calls.js';
import {
  sys_accept4,
  sys_bind,
  sys_connect,
  sys_getpeername,
  sys_getsockname,
  sys_listen,
  sys_shutdown,
  sys_socket,
  sys_socketpair,
} from './socket-calls.js';
import { SocketFile } from './socket-file.js';
import { NetMachine } from './testing.js';
import { UnixFamily } from './unix/unix.js';

const BUFFER = USER + 0x1000;
const LENGTHS = USER + 0x40000;
const ADDRESSES = USER + 0x50000;
const HEADERS = USER + 0x60000;
const OPTIONS = USER + 0x70000;
const NETLINK = USER + 0x80000;

const inet = (port: number, address = 0x7f00_0001): Uint8Array =>
  sockaddr_in.encode({ sin_family: 2, sin_port: port, sin_addr: address });
const inet6 = (port: number, last: number): Uint8Array =>
  Uint8Array.from([
    10,
    0,
    port >> 8,
    port & 0xff,
    0,
    0,
    0,
    0,
    ...Array.from({ length: 15 }, () => 0),
    last,
    0,
    0,
    0,
    0,
  ]);

/** Addresses of all families, each in 128 bytes; the first two are unix names. */
const addresses: readonly Uint8Array[] = [
  Uint8Array.from([1, 0, 0, 0x61]),
  Uint8Array.from([1, 0, 0x2f, 0x73]),
  Uint8Array.from([1, 0]),
  Uint8Array.from([0, 0]),
  inet(7000),
  inet(7001),
  inet(0),
  inet(7000, 0),
  inet(7000, 0x7fff_ffff),
  inet(7000, 0xe000_0001),
  inet6(7000, 1),
  inet6(7001, 0),
  sockaddr_nl.encode({ nl_family: 16, nl_pid: 0, nl_groups: 0x11 }),
  sockaddr_nl.encode({ nl_family: 16, nl_pid: 5 }),
];

const descriptor = fc.integer({ min: -1, max: 14 });
const flags = fc.constantFrom(
  0,
  0,
  0,
  0x1,
  0x2,
  0x20,
  0x22,
  0x40,
  0x40,
  0x40,
  0x100,
  0x2000,
  0x4040,
  0x8040,
  0x4000_0040,
);
const where = fc.constantFrom(BUFFER, BUFFER, BUFFER, NETLINK, 0, 8, USER + (1 << 20) - 5);
const size = fc.constantFrom(0, 1, 5, 32, 100, 4000, 60_000, 200_000);
const address = fc.constantFrom(...addresses.map((_, index) => ADDRESSES + index * 128), 0, 8);
const addressLength = fc.constantFrom(-1, 0, 1, 2, 3, 4, 12, 16, 24, 28, 110, 128, 129);
const length = fc.constantFrom(LENGTHS, LENGTHS + 4, LENGTHS + 8, LENGTHS + 12, 0, 8);
const header = fc.constantFrom(HEADERS, HEADERS + 64, HEADERS + 128, HEADERS + 192, 8);
const level = fc.constantFrom(1, 1, 1, 0, 6, 17, 41, 58, 255, 270, 99);

const step: fc.Arbitrary<readonly [SystemCall, ...fc.Arbitrary<number>[]]> = fc.constantFrom<
  readonly [SystemCall, ...fc.Arbitrary<number>[]]
>(
  [
    sys_socket,
    fc.constantFrom(1, 2, 10, 16, 3),
    fc.constantFrom(1, 2, 3, 5, 0x801),
    fc.constantFrom(0, 0, 0, 1, 6, 15, 17, 58),
  ],
  [
    sys_socketpair,
    fc.constantFrom(1, 1, 1, 2),
    fc.constantFrom(1, 2, 5, 0x802),
    fc.constant(0),
    fc.constantFrom(BUFFER, 8),
  ],
  [sys_bind, descriptor, address, addressLength],
  [sys_connect, descriptor, address, addressLength],
  [sys_listen, descriptor, fc.integer({ min: -1, max: 3 })],
  [sys_accept4, descriptor, fc.constantFrom(0, BUFFER, 8), length, fc.constantFrom(0, 0x800, 1)],
  [sys_getsockname, descriptor, where, length],
  [sys_getpeername, descriptor, where, length],
  [sys_shutdown, descriptor, fc.integer({ min: -1, max: 3 })],
  [sys_sendto, descriptor, where, size, flags, address, addressLength],
  [sys_recvfrom, descriptor, where, size, flags, fc.constantFrom(0, BUFFER), length],
  [sys_sendmsg, descriptor, header, flags],
  [sys_recvmsg, descriptor, header, flags],
  [sys_sendmmsg, descriptor, header, fc.nat(3), flags],
  [sys_recvmmsg, descriptor, header, fc.nat(3), flags, fc.constant(0)],
  [sys_read, descriptor, where, size],
  [sys_write, descriptor, where, size],
  [sys_readv, descriptor, fc.constant(HEADERS + 0x800), fc.nat(3)],
  [
    sys_setsockopt,
    descriptor,
    level,
    fc.nat(80),
    fc.constantFrom(OPTIONS, OPTIONS + 64, 8),
    fc.constantFrom(-1, 0, 1, 4, 8, 16, 40),
  ],
  [sys_getsockopt, descriptor, level, fc.nat(80), where, length],
  [
    sys_ioctl,
    descriptor,
    fc.constantFrom(
      0x541b,
      0x5411,
      0x8905,
      0x8910,
      0x8912,
      0x8913,
      0x8914,
      0x8915,
      0x8916,
      0x891b,
      0x8921,
      0x8922,
      0x8933,
      0x890b,
      0x89e0,
      0x8946,
      0x89f5,
    ),
    fc.constantFrom(OPTIONS + 128, OPTIONS + 192, 8),
  ],
  [sys_close, descriptor],
  [sys_dup, descriptor],
);

const call = step.chain(([system, ...values]) =>
  fc.tuple(...values).map((drawn) => ({ system, values: drawn as number[] })),
);

/** User memory with something that could be meant in each place. */
function furnish(machine: NetMachine): void {
  const memory = machine.memory(machine.task);
  for (const [index, bytes] of addresses.entries()) memory.copyOut(ADDRESSES + index * 128, bytes);
  for (const [index, value] of [128, 4, 0, -1].entries()) memory.putU32(LENGTHS + index * 4, value);
  const control = HEADERS + 0x400;
  const rights = new Uint8Array(new Int32Array([3, 4]).buffer);
  memory.copyOut(
    control,
    cmsghdr.encode({ cmsg_len: CMSG_LEN(8), cmsg_level: SOL_SOCKET, cmsg_type: SCM_RIGHTS }),
  );
  memory.copyOut(control + cmsghdr.size, rights);
  for (let index = 0; index < 3; index++)
    memory.copyOut(
      HEADERS + 0x800 + index * iovec.size,
      iovec.encode({ iov_base: BUFFER + index * 100, iov_len: 50 * index }),
    );
  const vector = { msg_iov: HEADERS + 0x800, msg_iovlen: 3 };
  for (const [index, record] of [
    vector,
    { ...vector, msg_control: control, msg_controllen: 24 },
    { ...vector, msg_name: ADDRESSES + 4 * 128, msg_namelen: 16 },
    { ...vector, msg_control: 8, msg_controllen: 100, msg_iovlen: 2000 },
  ].entries())
    memory.copyOut(HEADERS + index * 64, msghdr.encode(record));
  memory.copyOut(OPTIONS, Uint8Array.from([1, 0, 0, 0, 1]));
  memory.copyOut(OPTIONS + 64, Uint8Array.from([239, 1, 2, 3, 127, 0, 0, 1, 1]));
  memory.putText(OPTIONS + 128, 'lo\0');
  memory.copyOut(OPTIONS + 144, inet(0, 0x0a01_0203));
  memory.copyOut(OPTIONS + 192, Uint8Array.from([255, 255, 255, 255]));
  const requests = [18, 22, 26, 16, 20, 24, 34].map((type) => {
    const bytes = new Uint8Array(48);
    bytes.set(
      nlmsghdr.encode({
        nlmsg_len: 48,
        nlmsg_type: type,
        nlmsg_flags: NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP,
      }),
    );
    bytes.set([2, 8, 0, 254, 1], 16);
    return bytes;
  });
  let at = NETLINK;
  for (const bytes of requests) {
    memory.copyOut(at, bytes);
    at += bytes.length;
  }
}

/** One of each kind, so that most descriptors mean something. */
function openSome(machine: NetMachine): void {
  const { task } = machine;
  for (const type of [1, 2, 5]) machine.pair(task, 1, type);
  for (const [family, type, protocol] of [
    [2, 1, 0],
    [2, 2, 0],
    [10, 1, 0],
    [10, 2, 0],
    [16, 3, 0],
    [1, 1, 0],
    [2, 3, 1],
  ])
    machine.call(task, sys_socket, family, type, protocol);
  for (const [fd, index] of [
    [6, 4],
    [7, 4],
    [8, 11],
    [11, 1],
  ])
    machine.bind(task, fd, addresses[index]);
  for (const fd of [6, 8, 11]) machine.call(task, sys_listen, fd, 1);
}

test('no call on sockets fails otherwise than with an error number', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 20, maxLength: 120 }), async (calls) => {
      const machine = new NetMachine([UnixFamily, NetlinkFamily, InetFamily, Inet6Family]);
      const { task, kernel } = machine;
      let seed = 1;
      kernel.host.random = (into) => into.forEach((_, index) => (into[index] = seed++ * 37));
      setUp(kernel.net, kernel.net.loopback, true);
      furnish(machine);
      openSome(machine);
      for (const { system, values } of calls) {
        const thread = machine.newThread(task);
        thread.fs = task.fs;
        const result = await machine.start(thread, system, ...values);
        if (typeof result.outcome === 'number') expect(result.outcome).toBeGreaterThanOrEqual(0);
        for (const [, file] of task.files.entries())
          if (file instanceof SocketFile) expect(file.poll(task, undefined)).toBeGreaterThanOrEqual(0);
      }
      await machine.advance(3e9);
      for (const [fd] of task.files.entries()) machine.call(task, sys_close, fd);
      // Time enough for all connections to be given up or forgotten.
      for (let minute = 0; minute < 40; minute++) await machine.advance(60e9);
      for (const text of kernel.networkFiles.values()) expect(typeof text()).toBe('string');
    }),
    { numRuns: 120 },
  );
}, 60_000);
