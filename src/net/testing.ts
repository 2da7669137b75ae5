/**
 * For unit tests: a machine with a network, a tmpfs to bind in, and calls on sockets with addresses and text in place of
 * user memory.
 */
import { TreeMachine } from '../fs/testing-tree.js';
import { USER } from '../fs/testing.js';
import type { Task } from '../kernel/task.js';
import { nameToBytes, type Name } from '../lib/names.js';
import { CMSG_LEN, CMSG_SPACE, cmsghdr, msghdr, SCM_RIGHTS, SOL_SOCKET } from '../uapi/socket.js';
import { iovec } from '../uapi/uio.js';
import { sys_recvmsg, sys_sendmsg } from './message-calls.js';
import { Net, type ProtocolFamilyType } from './net.js';
import { sys_accept, sys_bind, sys_connect, sys_socketpair } from './socket-calls.js';
import { socketFileAt } from './socket-file.js';

const HEADER = USER + 0x40000;
const VECTOR = HEADER + 0x100;
const NAME = HEADER + 0x200;
const CONTROL = HEADER + 0x1000;
const DATA = HEADER + 0x10000;
const ROOM = 0x10000;

/** What a receive has brought. */
export interface Received {
  readonly text: Name;
  readonly descriptors: readonly number[];
  readonly flags: number;
}

export class NetMachine extends TreeMachine {
  constructor(families: readonly ProtocolFamilyType[]) {
    super();
    this.kernel.net = new Net(this.kernel, families);
  }

  /** The descriptors of a new pair. */
  pair(task: Task, family: number, type: number): [number, number] {
    const result = this.call(task, sys_socketpair, family, type, 0, NAME);
    if (result !== 0) throw new Error(`socketpair: ${result}`);
    const memory = this.memory(task);
    return [memory.getU32(NAME), memory.getU32(NAME + 4)];
  }

  bind(task: Task, fd: number, address: Uint8Array): number | string {
    this.memory(task).copyOut(NAME, address);
    return this.call(task, sys_bind, fd, NAME, address.length);
  }

  connect(task: Task, fd: number, address: Uint8Array): number | string {
    this.memory(task).copyOut(NAME, address);
    return this.call(task, sys_connect, fd, NAME, address.length);
  }

  accept(task: Task, fd: number): number | string {
    return this.call(task, sys_accept, fd, 0, 0);
  }

  /** sendmsg(2) with descriptors in a control message. */
  send(task: Task, fd: number, text: Name, descriptors: readonly number[] = [], flags = 0): number | string {
    const memory = this.memory(task);
    const data = new Uint8Array(new Int32Array(descriptors).buffer);
    memory.copyOut(DATA, nameToBytes(text));
    memory.copyOut(
      CONTROL,
      cmsghdr.encode({ cmsg_len: CMSG_LEN(data.length), cmsg_level: SOL_SOCKET, cmsg_type: SCM_RIGHTS }),
    );
    memory.copyOut(CONTROL + cmsghdr.size, data);
    this.putHeader(task, text.length, descriptors.length === 0 ? 0 : CMSG_SPACE(data.length));
    return this.call(task, sys_sendmsg, fd, HEADER, flags);
  }

  /** recvmsg(2), or the name of the error. */
  receive(task: Task, fd: number, length = ROOM, flags = 0): Received | string {
    const memory = this.memory(task);
    this.putHeader(task, length, 0x800);
    const result = this.call(task, sys_recvmsg, fd, HEADER, flags);
    if (typeof result === 'string') return result;
    const header = msghdr.decode(memory.copyIn(HEADER, msghdr.size));
    const descriptors: number[] = [];
    if (header.msg_controllen > 0) {
      const { cmsg_len } = cmsghdr.decode(memory.copyIn(CONTROL, cmsghdr.size));
      for (let at = cmsghdr.size; at < cmsg_len; at += 4) descriptors.push(memory.getU32(CONTROL + at));
    }
    return { text: memory.getText(DATA, result), descriptors, flags: header.msg_flags };
  }

  poll(task: Task, fd: number): number {
    return socketFileAt(task, fd).poll(task, undefined);
  }

  private putHeader(task: Task, length: number, controlLength: number): void {
    const memory = this.memory(task);
    memory.copyOut(VECTOR, iovec.encode({ iov_base: DATA, iov_len: length }));
    memory.copyOut(
      HEADER,
      msghdr.encode({
        msg_iov: VECTOR,
        msg_iovlen: 1,
        msg_control: controlLength === 0 ? 0 : CONTROL,
        msg_controllen: controlLength,
      }),
    );
  }
}
