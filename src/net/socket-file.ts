/** The open file of a socket. Linux's socket_file_ops. */
import { PseudoInode } from '../fs/anon-inode.js';
import { File, type PollTable } from '../fs/file.js';
import type { Result } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import type { Name } from '../lib/names.js';
import { ENOTSOCK } from '../uapi/errno.js';
import { O_NONBLOCK, O_RDWR } from '../uapi/fcntl.js';
import { MSG_DONTWAIT, MSG_EOR, SOCK_SEQPACKET } from '../uapi/socket.js';
import { ReceiveRequest, SendRequest } from './message.js';
import { receiveMessage, sendMessage, type Socket } from './socket.js';
import { socketIoctl } from './socket-ioctl.js';

export class SocketFile extends File {
  /** `flags`: O_NONBLOCK or 0. */
  constructor(
    task: Task,
    readonly socket: Socket,
    flags: number,
  ) {
    const { anonymous } = task.kernel;
    const inode = new PseudoInode(anonymous.sockets, anonymous.newIno());
    anonymous.initializeSocket(inode, task.credentials);
    super(undefined, undefined, inode, O_RDWR | (flags & O_NONBLOCK), task.credentials);
    socket.file = this;
  }

  override get label(): Name {
    return `socket:[${this.inode.ino}]`;
  }
  override get seekable(): boolean {
    return false;
  }
  override get asyncCapable(): boolean {
    return true;
  }

  override read(task: Task, to: IoBuffer): Result {
    // System V's way: a read of nothing never fails.
    if (to.remaining === 0) return 0;
    return receiveMessage(task, this.socket, new ReceiveRequest(to, this.messageFlags));
  }

  override write(task: Task, from: IoBuffer): Result {
    const { socket } = this;
    const record = socket.type === SOCK_SEQPACKET ? MSG_EOR : 0;
    return sendMessage(task, socket, new SendRequest(from, this.messageFlags | record));
  }

  /** What O_NONBLOCK means for a message. */
  get messageFlags(): number {
    return this.nonBlocking ? MSG_DONTWAIT : 0;
  }

  override poll(task: Task, table: PollTable | undefined): number {
    return this.socket.poll(task, table);
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    return socketIoctl(task, this, request, argument);
  }

  override flush(): void {
    this.socket.descriptorClosed();
  }

  override release(): void {
    this.socket.file = undefined;
    this.socket.release();
  }
}

/** The socket's file at a descriptor. EBADF, ENOTSOCK. */
export function socketFileAt(task: Task, fd: number): SocketFile {
  const file = task.files.getOpen(fd);
  if (!(file instanceof SocketFile)) throw ENOTSOCK;
  return file;
}
