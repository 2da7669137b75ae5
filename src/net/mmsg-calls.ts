/** sendmmsg(2), recvmmsg(2): several messages in one call. */
import { isValidTime, readTimespec, toNs, writeTimespec, fromNs } from '../kernel/timespec.js';
import { address, bits, fd, syscall, uint } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { EAGAIN, EINVAL, Errno } from '../uapi/errno.js';
import {
  messageFlags,
  mmsghdr,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_WAITFORONE,
  msghdr,
} from '../uapi/socket.js';
import { UIO_MAXIOV } from '../uapi/uio.js';
import { receiveHeader, sendHeader } from './message-calls.js';
import { type SocketFile, socketFileAt } from './socket-file.js';

/** MSG_CMSG_COMPAT is the kernel's own. */
const FORBIDDEN = 0x8000_0000 | 0;

export const sys_sendmmsg = syscall(
  [fd, address, uint, bits(messageFlags)],
  (task, at, vector, count, flags) => {
    if ((flags & FORBIDDEN) !== 0) throw EINVAL;
    const file = socketFileAt(task, at);
    file.hold();
    return sendAll(task, file, vector, Math.min(count, UIO_MAXIOV), flags).finally(() => file.drop());
  },
);

/** Stops at the first that fails; that counts only if none was sent before. */
async function sendAll(
  task: Task,
  file: SocketFile,
  vector: number,
  count: number,
  flags: number,
): Promise<number> {
  let done = 0;
  try {
    for (; done < count; done++) {
      const entry = vector + done * mmsghdr.size;
      const sent = await sendHeader(task, file, entry, flags);
      task.memory.putU32(entry + mmsghdr.offset.msg_len, sent);
    }
  } catch (error) {
    if (done === 0 || !(error instanceof Errno)) throw error;
  }
  return done;
}

export const sys_recvmmsg = syscall(
  [fd, address, uint, bits(messageFlags), address],
  (task, at, vector, count, flags, timeoutAt) => {
    if ((flags & FORBIDDEN) !== 0) throw EINVAL;
    let timeoutNs = Infinity;
    if (timeoutAt !== 0) {
      const time = readTimespec(task, timeoutAt);
      if (!isValidTime(time)) throw EINVAL;
      timeoutNs = toNs(time);
    }
    const file = socketFileAt(task, at);
    file.hold();
    return receiveAll(task, file, vector, Math.min(count, UIO_MAXIOV), flags, timeoutAt, timeoutNs).finally(
      () => file.drop(),
    );
  },
);

/** The time limit is looked at after each message only, as recvmmsg(2) says under BUGS. */
async function receiveAll(
  task: Task,
  file: SocketFile,
  vector: number,
  count: number,
  flags: number,
  timeoutAt: number,
  timeoutNs: number,
): Promise<number> {
  const { clock } = task.kernel.host;
  const start = clock.now();
  const { socket } = file;
  const pending = (flags & MSG_ERRQUEUE) === 0 ? socket.takeError() : undefined;
  if (pending !== undefined) throw pending;
  let done = 0;
  let how = flags & ~MSG_WAITFORONE;
  try {
    while (done < count) {
      const entry = vector + done * mmsghdr.size;
      const received = await receiveHeader(task, file, entry, how);
      task.memory.putU32(entry + mmsghdr.offset.msg_len, received);
      done++;
      if ((flags & MSG_WAITFORONE) !== 0) how |= MSG_DONTWAIT;
      if (clock.now() - start >= timeoutNs) break;
      if ((task.memory.getU32(entry + msghdr.offset.msg_flags) & MSG_OOB) !== 0) break;
    }
  } catch (error) {
    if (done === 0 || !(error instanceof Errno)) throw error;
    // The next call tells it.
    if (error !== EAGAIN) socket.error = error;
  }
  if (timeoutAt !== 0) writeTimespec(task, timeoutAt, fromNs(Math.max(0, timeoutNs - (clock.now() - start))));
  return done;
}
