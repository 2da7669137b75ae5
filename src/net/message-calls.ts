/** System calls that send and receive one message: send(2), recv(2) and their kin. */
import { address, bits, fd, int, type Result, size, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { userBuffer, userVector } from '../mm/uio.js';
import { EINVAL, EMSGSIZE, ENOBUFS } from '../uapi/errno.js';
import { messageFlags, MSG_CMSG_CLOEXEC, msghdr, SOCKADDR_STORAGE_SIZE } from '../uapi/socket.js';
import { UIO_MAXIOV } from '../uapi/uio.js';
import { readAddress, writeAddress } from './addresses.js';
import { ControlWriter, ReceiveRequest, SendRequest } from './message.js';
import { receiveMessage, sendMessage } from './socket.js';
import { type SocketFile, socketFileAt } from './socket-file.js';

/** Bit 31, MSG_CMSG_COMPAT, is the kernel's own. */
const FORBIDDEN = 0x8000_0000 | 0;
/** /proc/sys/net/core/optmem_max: the most that control messages may take. */
const CONTROL_MAX = 20_480;
const INT_MAX = 0x7fff_ffff;

/** Keeps the file open while a call waits: another thread may close the descriptor. */
function keepOpen(file: SocketFile, result: Result): Result {
  if (typeof result === 'number') return result;
  file.hold();
  return result.finally(() => file.drop());
}

export const sys_sendto = syscall(
  [fd, address, size, bits(messageFlags), address, int],
  (task, at, data, count, flags, name, nameLength) => {
    const from = userBuffer(task.memory, data, count);
    const file = socketFileAt(task, at);
    const to = name === 0 ? undefined : readAddress(task, name, nameLength);
    return keepOpen(
      file,
      sendMessage(task, file.socket, new SendRequest(from, flags | file.messageFlags, to)),
    );
  },
);

export const sys_recvfrom = syscall(
  [fd, address, size, bits(messageFlags), address, address],
  (task, at, data, count, flags, name, nameLengthAt) => {
    const to = userBuffer(task.memory, data, count);
    const file = socketFileAt(task, at);
    const request = new ReceiveRequest(to, flags | file.messageFlags);
    const result = receiveMessage(task, file.socket, request);
    const finish = (received: number): number => {
      if (name !== 0) writeAddress(task, request.name, name, nameLengthAt);
      return received;
    };
    return typeof result === 'number' ? finish(result) : keepOpen(file, result.then(finish));
  },
);

/** A struct msghdr; what is wrong with it is found in Linux's order. */
function readHeader(task: Task, at: number) {
  const header = msghdr.decode(task.memory.copyIn(at, msghdr.size));
  const nameLength = header.msg_name === 0 ? 0 : header.msg_namelen;
  if (nameLength < 0) throw EINVAL;
  return { ...header, msg_namelen: Math.min(nameLength, SOCKADDR_STORAGE_SIZE) };
}

/** sendmsg(2) with the flags of the file added. */
export function sendHeader(task: Task, file: SocketFile, at: number, flags: number): Result {
  const header = readHeader(task, at);
  const name = header.msg_namelen === 0 ? undefined : task.memory.copyIn(header.msg_name, header.msg_namelen);
  if (header.msg_iovlen > UIO_MAXIOV) throw EMSGSIZE;
  const from = userVector(task.memory, header.msg_iov, header.msg_iovlen);
  const controlLength = header.msg_controllen;
  if (controlLength > INT_MAX || controlLength > CONTROL_MAX) throw ENOBUFS;
  const control = controlLength === 0 ? undefined : task.memory.copyIn(header.msg_control, controlLength);
  return sendMessage(task, file.socket, new SendRequest(from, flags | file.messageFlags, name, control));
}

/** recvmsg(2) likewise. */
export function receiveHeader(task: Task, file: SocketFile, at: number, flags: number): Result {
  const header = readHeader(task, at);
  if (header.msg_iovlen > UIO_MAXIOV) throw EMSGSIZE;
  const to = userVector(task.memory, header.msg_iov, header.msg_iovlen);
  const control =
    header.msg_control === 0
      ? undefined
      : new ControlWriter(task, header.msg_control, Math.min(header.msg_controllen, INT_MAX));
  const request = new ReceiveRequest(to, flags | file.messageFlags, control);
  request.resultFlags = flags & MSG_CMSG_CLOEXEC;
  const result = receiveMessage(task, file.socket, request);
  const finish = (received: number): number => {
    const { memory } = task;
    const { msg_namelen, msg_flags, msg_controllen } = msghdr.offset;
    if (header.msg_name !== 0)
      writeName(task, request.name, header.msg_name, header.msg_namelen, at + msg_namelen);
    memory.putU32(at + msg_flags, request.resultFlags);
    memory.putU64(at + msg_controllen, control?.used ?? 0);
    return received;
  };
  return typeof result === 'number' ? finish(result) : result.then(finish);
}

/** The length that counts is the one that was there when the call began. */
function writeName(task: Task, name: Uint8Array, at: number, room: number, lengthAt: number): void {
  const count = Math.min(room, name.length);
  if (count > 0) task.memory.copyOut(at, name.subarray(0, count));
  task.memory.putU32(lengthAt, name.length);
}

export const sys_sendmsg = syscall([fd, address, bits(messageFlags)], (task, at, header, flags) => {
  if ((flags & FORBIDDEN) !== 0) throw EINVAL;
  const file = socketFileAt(task, at);
  return keepOpen(file, sendHeader(task, file, header, flags));
});

export const sys_recvmsg = syscall([fd, address, bits(messageFlags)], (task, at, header, flags) => {
  if ((flags & FORBIDDEN) !== 0) throw EINVAL;
  const file = socketFileAt(task, at);
  return keepOpen(file, receiveHeader(task, file, header, flags));
});
