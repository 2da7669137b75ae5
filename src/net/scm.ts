/**
 * Control messages that carry open files and identities: SCM_RIGHTS and SCM_CREDENTIALS, unix(7), cmsg(3). Linux's
 * net/core/scm.c. Sockets of AF_UNIX and AF_NETLINK use them.
 */
import { descriptorLimit } from '../fs/file-calls.js';
import type { File } from '../fs/file.js';
import { capable } from '../kernel/credentials.js';
import type { Task } from '../kernel/task.js';
import { CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN } from '../uapi/capability.js';
import { EBADF, EINVAL, EMFILE, EPERM, ESRCH } from '../uapi/errno.js';
import {
  CMSG_ALIGN,
  cmsghdr,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  SCM_CREDENTIALS,
  SCM_MAX_FD,
  SCM_RIGHTS,
  SOL_SOCKET,
  ucred,
} from '../uapi/socket.js';
import type { ReceiveRequest } from './message.js';

/** Who has sent a message: SCM_CREDENTIALS. */
export interface SenderCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who is at the other end: SO_PEERCRED, SO_PEERGROUPS. */
export interface PeerCredentials extends SenderCredentials {
  readonly groups: readonly number[];
}

/** What is shown of a sender who was not asked: nobody, of the overflow user. */
const unknownSender: SenderCredentials = { pid: 0, uid: 65_534, gid: 65_534 };

export const sameSender = (a: SenderCredentials | undefined, b: SenderCredentials | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.pid === b.pid && a.uid === b.uid && a.gid === b.gid);

/** The task as the sender of its messages: real user and group. */
export const senderOf = ({ process, credentials: { uid, gid } }: Task): SenderCredentials => ({
  pid: process.pid,
  uid,
  gid,
});

/** The task as the other end of a connection: effective user and group. */
export const peerOf = ({ process, credentials: { euid, egid, groups } }: Task): PeerCredentials => ({
  pid: process.pid,
  uid: euid,
  gid: egid,
  groups,
});

/** What a message's control messages asked for. Files are held: by whoever has the object. */
export interface ControlData {
  files: File[] | undefined;
  credentials: SenderCredentials | undefined;
}

/** Parses what the sender gave. EINVAL, EBADF, EPERM, ESRCH. `rights`: whether the family can carry files. */
export function readControl(task: Task, control: Uint8Array, rights: boolean): ControlData {
  const result: ControlData = { files: undefined, credentials: undefined };
  const descriptors: number[] = [];
  for (const { level, type, data } of controlMessages(control)) {
    if (level !== SOL_SOCKET) continue;
    if (type === SCM_RIGHTS && rights) addDescriptors(descriptors, data);
    else if (type === SCM_CREDENTIALS) result.credentials = readCredentials(task, data);
    else throw EINVAL;
  }
  // Held only when nothing can fail any more.
  const files = descriptors.map((descriptor) => fileOf(task, descriptor));
  if (files.length > 0) result.files = files.map((file) => file.hold());
  return result;
}

export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/** The messages in a buffer. EINVAL when one does not fit. Bytes that are too few for a header end it. */
export function* controlMessages(control: Uint8Array): IterableIterator<ControlMessage> {
  const view = new DataView(control.buffer, control.byteOffset, control.byteLength);
  for (let at = 0; at + cmsghdr.size <= control.length;) {
    const { cmsg_len, cmsg_level, cmsg_type } = cmsghdr.read(view, at);
    if (cmsg_len < cmsghdr.size || cmsg_len > control.length - at) throw EINVAL;
    yield { level: cmsg_level, type: cmsg_type, data: control.subarray(at + cmsghdr.size, at + cmsg_len) };
    at += CMSG_ALIGN(cmsg_len);
  }
}

function addDescriptors(to: number[], data: Uint8Array): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const count = Math.floor(data.length / 4);
  if (to.length + count > SCM_MAX_FD) throw EINVAL;
  for (let index = 0; index < count; index++) to.push(view.getInt32(index * 4, true));
}

/** O_PATH descriptors can be passed on too. */
function fileOf(task: Task, descriptor: number): File {
  const file = task.files.find(descriptor);
  if (file === undefined) throw EBADF;
  return file;
}

/** One may only claim to be what one is or could become, unless privileged. */
function readCredentials(task: Task, data: Uint8Array): SenderCredentials {
  if (data.length !== ucred.size) throw EINVAL;
  const claim = ucred.decode(data);
  if (claim.uid === 0xffff_ffff || claim.gid === 0xffff_ffff) throw EINVAL;
  const own = task.credentials;
  const allowed =
    (claim.pid === task.process.pid || capable(own, CAP_SYS_ADMIN)) &&
    (isOneOf(claim.uid, own.uid, own.euid, own.suid) || capable(own, CAP_SETUID)) &&
    (isOneOf(claim.gid, own.gid, own.egid, own.sgid) || capable(own, CAP_SETGID));
  if (!allowed) throw EPERM;
  if (claim.pid !== task.process.pid && !task.kernel.pids.inUse(claim.pid)) throw ESRCH;
  return claim;
}

const isOneOf = (id: number, ...ids: readonly number[]): boolean => ids.includes(id);

/** Hands over who sent a message, for a socket with SO_PASSCRED. */
export function passCredentials(request: ReceiveRequest, sender: SenderCredentials | undefined): void {
  if (request.control === undefined) request.resultFlags |= MSG_CTRUNC;
  else request.control.put(request, SOL_SOCKET, SCM_CREDENTIALS, ucred.encode(sender ?? unknownSender));
}

/** Gives the receiver a descriptor for each file that there is room for; the others are lost. Does not drop the files. */
export function passFiles(task: Task, request: ReceiveRequest, files: readonly File[]): void {
  const { control } = request;
  if (control === undefined) {
    request.resultFlags |= MSG_CTRUNC;
    return;
  }
  const closeOnExec = (request.flags & MSG_CMSG_CLOEXEC) !== 0;
  const limit = descriptorLimit(task);
  const most = Math.min(control.intsThatFit, files.length);
  let count = 0;
  for (; count < most; count++) {
    const fd = tryInstall(task, files[count], closeOnExec, limit);
    if (fd === undefined) break;
    if (!control.tryCopy(control.dataAddress + count * 4, new Uint8Array(new Int32Array([fd]).buffer))) {
      task.files.close(task, fd);
      break;
    }
  }
  if (count > 0) control.finish(SOL_SOCKET, SCM_RIGHTS, count * 4);
  if (count < files.length) request.resultFlags |= MSG_CTRUNC;
}

function tryInstall(task: Task, file: File, closeOnExec: boolean, limit: number): number | undefined {
  try {
    return task.files.install(file, closeOnExec, limit);
  } catch (error) {
    if (error !== EMFILE) throw error;
    return undefined;
  }
}
