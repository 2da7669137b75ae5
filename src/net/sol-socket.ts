/** Setting and showing the options that every socket has: SOL_SOCKET, socket(7). Linux's sk_setsockopt, sk_getsockopt. */
import { capable, type Credentials } from '../kernel/credentials.js';
import type { Task } from '../kernel/task.js';
import { nameFromBytes, nameToBytes } from '../lib/names.js';
import { Word64 } from '../lib/word64.js';
import { CAP_NET_ADMIN, CAP_NET_RAW } from '../uapi/capability.js';
import {
  EACCES,
  EDOM,
  EINVAL,
  ENODATA,
  ENODEV,
  ENOENT,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
} from '../uapi/errno.js';
import {
  AF_INET,
  AF_INET6,
  SO_ACCEPTCONN,
  SO_BINDTODEVICE,
  SO_BINDTOIFINDEX,
  SO_BROADCAST,
  SO_BSDCOMPAT,
  SO_COOKIE,
  SO_DEBUG,
  SO_DETACH_FILTER,
  SO_DOMAIN,
  SO_DONTROUTE,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_MARK,
  SO_NO_CHECK,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PASSSEC,
  SO_PEEK_OFF,
  SO_PEERCRED,
  SO_PEERGROUPS,
  SO_PEERNAME,
  SO_PRIORITY,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_RCVTIMEO,
  SO_RCVTIMEO_NEW,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_RXQ_OVFL,
  SO_SELECT_ERR_QUEUE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_SNDLOWAT,
  SO_SNDTIMEO,
  SO_SNDTIMEO_NEW,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SO_TIMESTAMPNS_NEW,
  SO_TIMESTAMP_NEW,
  SO_TYPE,
  __kernel_sock_timeval,
  linger,
  ucred,
} from '../uapi/socket.js';
import { IFNAMSIZ } from '../uapi/if.js';
import type { NetSettings } from './settings.js';
import type { Socket } from './socket.js';

/** Twice the smallest packet, and one: what Linux counts for it. */
const SEND_BUFFER_MIN = 4608;
const RECEIVE_BUFFER_MIN = 2304;
const INT_MAX = 0x7fff_ffff;
const US_PER_SEC = 1_000_000;

interface Option {
  /** A number is an int. */
  readonly get?: (socket: Socket, room: number) => number | Uint8Array;
  /** `number` is the int that the value begins with. */
  readonly set?: (task: Task, socket: Socket, number: number, value: Uint8Array) => void;
}

const mayRaw = ({ credentials }: Task): boolean =>
  capable(credentials, CAP_NET_ADMIN) || capable(credentials, CAP_NET_RAW);

const onOff = (name: number, check: (task: Task, socket: Socket) => void = () => {}): Option => ({
  get: ({ options }) => (options.has(name) ? 1 : 0),
  set(task, socket, number) {
    if (number !== 0) check(task, socket);
    socket.options.set(name, number !== 0);
  },
});

const timestamp = (unit: 'us' | 'ns'): Option => ({
  get: ({ options }) => (options.timestamp === unit ? 1 : 0),
  set(_task, { options }, number) {
    options.timestamp = number === 0 ? 'off' : unit;
  },
});

const timeout = (which: 'sendTimeoutNs' | 'receiveTimeoutNs'): Option => ({
  get: ({ options }) => writeTimeout(options[which]),
  set(_task, { options }, _number, value) {
    options[which] = readTimeout(value);
  },
});

const sendBuffer = (
  bytes: (credentials: Credentials, wanted: number, settings: NetSettings) => number,
): Option => ({
  get: ({ options }) => options.sendBuffer,
  set({ credentials }, { options, writable, net }, number) {
    options.sendBuffer = Math.max(doubled(bytes(credentials, number, net.settings)), SEND_BUFFER_MIN);
    options.sendBufferLocked = true;
    writable.wake();
  },
});

const receiveBuffer = (
  bytes: (credentials: Credentials, wanted: number, settings: NetSettings) => number,
): Option => ({
  get: ({ options }) => options.receiveBuffer,
  set({ credentials }, { options, net }, number) {
    options.receiveBuffer = Math.max(doubled(bytes(credentials, number, net.settings)), RECEIVE_BUFFER_MIN);
    options.receiveBufferLocked = true;
  },
});

const doubled = (bytes: number): number => Math.min(bytes, INT_MAX >> 1) * 2;

/** A negative number counts as a very large one. */
const limited =
  (limit: 'wmemMax' | 'rmemMax') =>
  (_credentials: Credentials, wanted: number, settings: NetSettings): number =>
    Math.min(wanted >>> 0, settings[limit]);

function forced(credentials: Credentials, wanted: number): number {
  if (!capable(credentials, CAP_NET_ADMIN)) throw EPERM;
  return Math.max(wanted, 0);
}

const table: Readonly<Record<number, Option>> = {
  ...Object.fromEntries(
    [
      SO_REUSEADDR,
      SO_DONTROUTE,
      SO_BROADCAST,
      SO_KEEPALIVE,
      SO_OOBINLINE,
      SO_NO_CHECK,
      SO_PASSCRED,
      SO_PASSSEC,
      SO_RXQ_OVFL,
      SO_SELECT_ERR_QUEUE,
    ].map((name) => [name, onOff(name)]),
  ),
  [SO_DEBUG]: onOff(SO_DEBUG, ({ credentials }) => {
    if (!capable(credentials, CAP_NET_ADMIN)) throw EACCES;
  }),
  [SO_REUSEPORT]: onOff(SO_REUSEPORT, (_task, { family }) => {
    if (family !== AF_INET && family !== AF_INET6) throw EOPNOTSUPP;
  }),
  [SO_TYPE]: { get: ({ type }) => type },
  [SO_PROTOCOL]: { get: ({ protocol }) => protocol },
  [SO_DOMAIN]: { get: ({ family }) => family },
  [SO_ERROR]: { get: (socket) => socket.takeError()?.number ?? 0 },
  [SO_ACCEPTCONN]: { get: ({ listening }) => (listening ? 1 : 0) },
  [SO_SNDBUF]: sendBuffer(limited('wmemMax')),
  [SO_SNDBUFFORCE]: { set: sendBuffer(forced).set },
  [SO_RCVBUF]: receiveBuffer(limited('rmemMax')),
  [SO_RCVBUFFORCE]: { set: receiveBuffer(forced).set },
  [SO_SNDLOWAT]: { get: () => 1 },
  [SO_RCVLOWAT]: {
    get: ({ options }) => options.receiveLowWater,
    set(_task, { options }, number) {
      options.receiveLowWater = number < 0 ? INT_MAX : number || 1;
    },
  },
  [SO_RCVTIMEO]: timeout('receiveTimeoutNs'),
  [SO_RCVTIMEO_NEW]: timeout('receiveTimeoutNs'),
  [SO_SNDTIMEO]: timeout('sendTimeoutNs'),
  [SO_SNDTIMEO_NEW]: timeout('sendTimeoutNs'),
  [SO_LINGER]: {
    get: ({ options }) =>
      linger.encode({ l_onoff: options.lingerOn ? 1 : 0, l_linger: options.lingerSeconds }),
    set(_task, { options }, _number, value) {
      if (value.length < linger.size) throw EINVAL;
      const { l_onoff, l_linger } = linger.decode(value);
      options.lingerOn = l_onoff !== 0;
      if (options.lingerOn) options.lingerSeconds = l_linger;
    },
  },
  [SO_BSDCOMPAT]: { get: () => 0, set: () => {} },
  [SO_TIMESTAMP]: timestamp('us'),
  [SO_TIMESTAMP_NEW]: timestamp('us'),
  [SO_TIMESTAMPNS]: timestamp('ns'),
  [SO_TIMESTAMPNS_NEW]: timestamp('ns'),
  [SO_PRIORITY]: {
    get: ({ options }) => options.priority,
    set(task, { options }, number) {
      if ((number < 0 || number > 6) && !mayRaw(task)) throw EPERM;
      options.priority = number;
    },
  },
  [SO_MARK]: {
    get: ({ options }) => options.mark,
    set(task, { options }, number) {
      if (!mayRaw(task)) throw EPERM;
      options.mark = number;
    },
  },
  [SO_PEEK_OFF]: {
    get({ hasPeekOffset, options }) {
      if (!hasPeekOffset) throw EOPNOTSUPP;
      return options.peekOffset;
    },
    set(_task, { hasPeekOffset, options }, number) {
      if (!hasPeekOffset) throw EOPNOTSUPP;
      options.peekOffset = number;
    },
  },
  // No filter can be attached, so there is none to detach.
  [SO_DETACH_FILTER]: {
    set() {
      throw ENOENT;
    },
  },
  [SO_BINDTODEVICE]: {
    get({ options, net }, room) {
      const device = net.devices.get(options.boundDevice);
      if (device === undefined) return new Uint8Array(0);
      if (room < IFNAMSIZ) throw EINVAL;
      return nameToBytes(`${device.name}\0`);
    },
  },
  [SO_BINDTOIFINDEX]: {
    get: ({ options }) => options.boundDevice,
    set({ credentials }, { options, net }, number) {
      if (number < 0) throw EINVAL;
      if (options.boundDevice !== 0 && !capable(credentials, CAP_NET_RAW)) throw EPERM;
      if (number !== 0 && net.devices.get(number) === undefined) throw ENODEV;
      options.boundDevice = number;
    },
  },
  [SO_COOKIE]: {
    get({ cookie }, room) {
      if (room < 8) throw EINVAL;
      const { lo, hi } = Word64.from(cookie);
      return new Uint8Array(new Int32Array([lo, hi]).buffer);
    },
  },
  [SO_PEERCRED]: {
    get: ({ peerCredentials }) =>
      ucred.encode(peerCredentials ?? { pid: 0, uid: 0xffff_ffff, gid: 0xffff_ffff }),
  },
  [SO_PEERGROUPS]: {
    get({ peerCredentials }) {
      if (peerCredentials === undefined) throw ENODATA;
      return new Uint8Array(new Uint32Array(peerCredentials.groups).buffer);
    },
  },
  [SO_PEERNAME]: {
    get(socket, room) {
      const address = socket.peerName();
      // As Linux has it: the caller may not have more room than is needed.
      if (address.length < room) throw EINVAL;
      return address;
    },
  },
};

/** A struct timeval in nanoseconds; zero means for ever. A negative one has passed already. */
function readTimeout(value: Uint8Array): number {
  if (value.length < __kernel_sock_timeval.size) throw EINVAL;
  const { tv_sec, tv_usec } = __kernel_sock_timeval.decode(value);
  if (tv_usec < 0 || tv_usec >= US_PER_SEC) throw EDOM;
  if (tv_sec < 0) return 0;
  return tv_sec === 0 && tv_usec === 0 ? Infinity : (tv_sec * US_PER_SEC + tv_usec) * 1000;
}

function writeTimeout(timeoutNs: number): Uint8Array {
  const us = timeoutNs === Infinity ? 0 : Math.round(timeoutNs / 1000);
  return __kernel_sock_timeval.encode({ tv_sec: Math.floor(us / US_PER_SEC), tv_usec: us % US_PER_SEC });
}

/** By name; no name unbinds. Who is bound needs a privilege to leave. */
function bindToDevice({ credentials }: Task, { options, net }: Socket, value: Uint8Array): void {
  if (options.boundDevice !== 0 && !capable(credentials, CAP_NET_RAW)) throw EPERM;
  const end = value.indexOf(0);
  const name = nameFromBytes(value, 0, Math.min(end < 0 ? value.length : end, IFNAMSIZ - 1));
  options.boundDevice = name === '' ? 0 : net.devices.named(name).index;
}

/** setsockopt(2) at SOL_SOCKET. */
export function setSocketOption(task: Task, socket: Socket, name: number, value: Uint8Array): void {
  if (name === SO_BINDTODEVICE) return bindToDevice(task, socket, value);
  if (value.length < 4) throw EINVAL;
  const set = table[name]?.set;
  if (set === undefined) throw ENOPROTOOPT;
  set(task, socket, new DataView(value.buffer, value.byteOffset).getInt32(0, true), value);
  socket.optionChanged(name);
}

/** getsockopt(2) at SOL_SOCKET. The caller cuts the value to its `room`. */
export function getSocketOption(socket: Socket, name: number, room: number): Uint8Array {
  const get = table[name]?.get;
  if (get === undefined) throw ENOPROTOOPT;
  const value = get(socket, room);
  return typeof value === 'number' ? new Uint8Array(new Int32Array([value]).buffer) : value;
}
