/** Netlink sockets: addresses, groups, requests and what is queued in answer. netlink(7). Linux: af_netlink.c. */
import type { PollTable } from '../../fs/file.js';
import { capable } from '../../kernel/credentials.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { CAP_NET_ADMIN } from '../../uapi/capability.js';
import {
  EADDRINUSE,
  EAGAIN,
  EBUSY,
  ECONNREFUSED,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOBUFS,
  ENODATA,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  Errno,
} from '../../uapi/errno.js';
import { EPOLLERR, EPOLLIN, EPOLLRDNORM } from '../../uapi/epoll.js';
import {
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_BROADCAST_ERROR,
  NETLINK_CAP_ACK,
  NETLINK_DROP_MEMBERSHIP,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_LIST_MEMBERSHIPS,
  NETLINK_NO_ENOBUFS,
  NETLINK_PKTINFO,
  nl_pktinfo,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_MIN_TYPE,
  nlmsgerr,
  nlmsghdr,
  NLM_F_ACK,
  NLM_F_CAPPED,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  sockaddr_nl,
} from '../../uapi/netlink.js';
import {
  AF_NETLINK,
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SOL_NETLINK,
  SO_PASSCRED,
} from '../../uapi/socket.js';
import { familyOf } from '../addresses.js';
import type { ReceiveRequest, SendRequest } from '../message.js';
import { passCredentials, readControl, senderOf, type SenderCredentials } from '../scm.js';
import { hasPassed, READABLE, Socket, WRITABLE } from '../socket.js';
import { MessageBuilder, messagesIn, type NetlinkMessage } from './message.js';
import type { NetlinkFamily } from './netlink.js';
import { errorNumber, type NetlinkProtocol } from './protocol.js';

/** A part of a dump has so many bytes at most: a page, less what a packet costs. */
const DUMP_PART = 3776;
/** What a message costs the receiver's buffer besides its bytes. */
const OVERHEAD = 768;
const MESSAGE_SLACK = 32;

/** What waits to be received. */
export interface QueuedMessage {
  readonly data: Uint8Array;
  /** The sender's address; 0 is the kernel. */
  readonly port: number;
  /** The multicast group that it went to; 0 for none. */
  readonly group: number;
  readonly sender: SenderCredentials;
}

/** A dump under way. */
interface Dump {
  readonly messages: Iterator<MessageBuilder>;
  readonly sequence: number;
  /** One that did not fit the last part. */
  next: MessageBuilder | undefined;
}

export const kernelSender: SenderCredentials = { pid: 0, uid: 0, gid: 0 };

const flagOptions: ReadonlySet<number> = new Set([
  NETLINK_PKTINFO,
  NETLINK_BROADCAST_ERROR,
  NETLINK_NO_ENOBUFS,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
]);

export class NetlinkSocket extends Socket {
  /** Its address; 0 until it is bound. */
  port = 0;
  private bound = false;
  private readonly groups = new Set<number>();
  /** Where messages go by default: connect(2). */
  private peerPort = 0;
  private peerGroup = 0;
  private readonly queue: QueuedMessage[] = [];
  queuedBytes = 0;
  /** Messages that found no room. */
  drops = 0;
  private dump: Dump | undefined;
  private readonly flags = new Set<number>();

  constructor(
    private readonly netlink: NetlinkFamily,
    type: number,
    private readonly answerer: NetlinkProtocol,
  ) {
    super(netlink.net, AF_NETLINK, type, answerer.protocol);
    netlink.sockets.add(this);
  }

  /** NETLINK_GET_STRICT_CHK: requests are checked in full, and dumps filtered. */
  get strict(): boolean {
    return this.flags.has(NETLINK_GET_STRICT_CHK);
  }
  isMember(group: number): boolean {
    return this.groups.has(group);
  }
  /** The first 32 groups. */
  get groupMask(): number {
    let mask = 0;
    for (const group of this.groups) if (group <= 32) mask |= 1 << (group - 1);
    return mask >>> 0;
  }

  override bind(task: Task, bytes: Uint8Array): number {
    if (bytes.length < sockaddr_nl.size || familyOf(bytes) !== AF_NETLINK) throw EINVAL;
    const { nl_pid, nl_groups } = sockaddr_nl.decode(bytes);
    if (nl_groups !== 0) this.checkGroups(task);
    if (this.bound ? nl_pid !== this.port : nl_pid !== 0 && this.isTaken(nl_pid))
      throw this.bound ? EINVAL : EADDRINUSE;
    if (!this.bound)
      this.take(nl_pid === 0 ? this.netlink.freePort(this.protocol, task.process.pid) : nl_pid);
    for (let group = 1; group <= 32; group++)
      this.setMember(group, ((nl_groups >>> (group - 1)) & 1) === 1 && group <= this.answerer.groups);
    return 0;
  }

  private isTaken(port: number): boolean {
    return this.netlink.find(this.protocol, port) !== undefined;
  }

  private take(port: number): void {
    this.port = port;
    this.bound = true;
    this.netlink.insert(this);
  }

  private autobind(task: Task): void {
    if (!this.bound) this.take(this.netlink.freePort(this.protocol, task.process.pid));
  }

  private checkGroups({ credentials }: Task): void {
    if (!this.answerer.openGroups && !capable(credentials, CAP_NET_ADMIN)) throw EPERM;
  }

  private setMember(group: number, member: boolean): void {
    if (member) this.groups.add(group);
    else this.groups.delete(group);
  }

  override connect(task: Task, bytes: Uint8Array): number {
    const family = familyOf(bytes);
    if (family === undefined) throw EINVAL;
    if (family === AF_UNSPEC) {
      this.peerPort = this.peerGroup = 0;
      return 0;
    }
    const { port, group } = this.destination(task, bytes);
    this.autobind(task);
    this.peerPort = port;
    this.peerGroup = group;
    return 0;
  }

  /** Only the kernel can be spoken to by everybody. */
  private destination({ credentials }: Task, bytes: Uint8Array): { port: number; group: number } {
    if (bytes.length < sockaddr_nl.size || familyOf(bytes) !== AF_NETLINK) throw EINVAL;
    const { nl_pid, nl_groups } = sockaddr_nl.decode(bytes);
    if ((nl_pid !== 0 || nl_groups !== 0) && !capable(credentials, CAP_NET_ADMIN)) throw EPERM;
    return { port: nl_pid, group: nl_groups === 0 ? 0 : 32 - Math.clz32(nl_groups & -nl_groups) };
  }

  override localName(): Uint8Array {
    return sockaddr_nl.encode({ nl_family: AF_NETLINK, nl_pid: this.port, nl_groups: this.groupMask });
  }
  override peerName(): Uint8Array {
    const mask = this.peerGroup === 0 ? 0 : (1 << (this.peerGroup - 1)) >>> 0;
    return sockaddr_nl.encode({ nl_family: AF_NETLINK, nl_pid: this.peerPort, nl_groups: mask });
  }

  override send(task: Task, { data, flags, name, control }: SendRequest): number {
    if ((flags & MSG_OOB) !== 0) throw EOPNOTSUPP;
    const length = data.remaining;
    if (length === 0) throw ENODATA;
    const claimed = control === undefined ? undefined : readControl(task, control, false).credentials;
    const to =
      name === undefined || name.length === 0
        ? { port: this.peerPort, group: this.peerGroup }
        : this.destination(task, name);
    this.autobind(task);
    if (length > this.options.sendBuffer - MESSAGE_SLACK) throw EMSGSIZE;
    const bytes = new Uint8Array(length);
    if (data.get(bytes) < length) throw EFAULT;
    const message = { data: bytes, port: this.port, group: to.group, sender: claimed ?? senderOf(task) };
    if (to.group !== 0) this.netlink.broadcast(this.protocol, to.group, message, this);
    if (to.port !== 0) this.sendTo(to.port, message);
    else if (to.group === 0) this.serve(task, bytes);
    return length;
  }

  /** To another program. */
  private sendTo(port: number, message: QueuedMessage): void {
    const target = this.netlink.find(this.protocol, port);
    if (target === undefined) throw ECONNREFUSED;
    if (!target.hasRoom) throw EAGAIN;
    target.deliver(message);
  }

  /** To the kernel: each request in turn. Linux's netlink_rcv_skb. */
  private serve(task: Task, bytes: Uint8Array): void {
    for (const message of messagesIn(bytes)) {
      let error: Errno | undefined;
      if ((message.flags & NLM_F_REQUEST) !== 0 && message.type >= NLMSG_MIN_TYPE) {
        try {
          // A dump ends with a message of its own.
          if (this.answer(task, message) === 'dump') continue;
        } catch (thrown) {
          if (!(thrown instanceof Errno)) throw thrown;
          error = thrown;
        }
      }
      if (error !== undefined || (message.flags & NLM_F_ACK) !== 0) this.acknowledge(message, error);
    }
  }

  private answer(task: Task, message: NetlinkMessage): 'dump' | 'done' {
    const reply = this.answerer.request(task, this, message);
    if (reply === undefined) return 'done';
    if (reply.dump) {
      if (this.dump !== undefined) throw EBUSY;
      const messages = reply.messages[Symbol.iterator]();
      this.dump = { messages, sequence: message.sequence, next: undefined };
      this.continueDump();
      return 'dump';
    }
    for (const part of reply.messages) this.deliverOwn(part.finish(0, message.sequence, this.port));
    return 'done';
  }

  /** An error comes with the request that it is about, unless the program does not want that. */
  private acknowledge({ sequence, bytes }: NetlinkMessage, error: Errno | undefined): void {
    const whole = error !== undefined && !this.flags.has(NETLINK_CAP_ACK);
    const payload = new Uint8Array(4 + (whole ? bytes.length : nlmsghdr.size));
    new DataView(payload.buffer).setInt32(nlmsgerr.offset.error, errorNumber(error), true);
    payload.set(whole ? bytes : bytes.subarray(0, nlmsghdr.size), nlmsgerr.offset.msg);
    const flags = whole ? 0 : NLM_F_CAPPED;
    this.deliverOwn(new MessageBuilder(NLMSG_ERROR, payload).finish(flags, sequence, this.port));
  }

  /** Queues the next part of a dump. */
  private continueDump(): void {
    const { dump } = this;
    if (dump === undefined) return;
    const parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      if (dump.next === undefined) {
        const { value, done } = dump.messages.next();
        if (done === true) break;
        dump.next = value as MessageBuilder;
      }
      const bytes = dump.next.finish(NLM_F_MULTI, dump.sequence, this.port);
      if (size > 0 && size + bytes.length > DUMP_PART) break;
      parts.push(bytes);
      size += bytes.length;
      dump.next = undefined;
    }
    if (size === 0) {
      // Its status: no error.
      const done = new MessageBuilder(NLMSG_DONE, new Uint8Array(4));
      this.dump = undefined;
      this.deliverOwn(done.finish(NLM_F_MULTI, dump.sequence, this.port));
      return;
    }
    const all = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    this.deliverOwn(all);
  }

  private deliverOwn(data: Uint8Array): void {
    this.deliver({ data, port: 0, group: 0, sender: kernelSender });
  }

  private get hasRoom(): boolean {
    return this.queuedBytes < this.options.receiveBuffer;
  }

  /** Queues a message; if there is no room, the program gets to know by ENOBUFS that it has missed some. */
  deliver(message: QueuedMessage): void {
    if (!this.hasRoom) {
      this.drops++;
      if (!this.flags.has(NETLINK_NO_ENOBUFS)) {
        this.error = ENOBUFS;
        this.readable.wake();
      }
      return;
    }
    this.queue.push(message);
    this.queuedBytes += message.data.length + OVERHEAD;
    this.readable.wakeOne(READABLE);
  }

  override receive(task: Task, request: ReceiveRequest): Result {
    const { flags } = request;
    if ((flags & MSG_OOB) !== 0) throw EOPNOTSUPP;
    if (this.error !== undefined) throw this.takeError();
    if (this.queue.length > 0) return this.fetch(request);
    if ((flags & MSG_DONTWAIT) !== 0) throw EAGAIN;
    return this.receiveLater(task, request);
  }

  private async receiveLater(task: Task, request: ReceiveRequest): Promise<number> {
    const deadline = this.receiveDeadline(task, request.flags);
    while (this.queue.length === 0) {
      if (this.error !== undefined) throw this.takeError();
      if (hasPassed(task, deadline)) throw EAGAIN;
      await this.readable.sleep(task, deadline);
    }
    return this.fetch(request);
  }

  private fetch(request: ReceiveRequest): number {
    const { data: to, flags, control } = request;
    const [message] = this.queue;
    const { data, port, group, sender } = message;
    if ((flags & MSG_PEEK) === 0) {
      this.queue.shift();
      this.queuedBytes -= data.length + OVERHEAD;
    }
    const count = Math.min(data.length, to.remaining);
    if (count < data.length) request.resultFlags |= MSG_TRUNC;
    if (to.put(data.subarray(0, count)) < count) throw EFAULT;
    const groups = group === 0 || group > 32 ? 0 : (1 << (group - 1)) >>> 0;
    request.name = sockaddr_nl.encode({ nl_family: AF_NETLINK, nl_pid: port, nl_groups: groups });
    if (this.flags.has(NETLINK_PKTINFO))
      control?.put(request, SOL_NETLINK, NETLINK_PKTINFO, nl_pktinfo.encode({ group }));
    if (this.options.has(SO_PASSCRED)) passCredentials(request, sender);
    if (this.queuedBytes <= this.options.receiveBuffer / 2) this.continueDump();
    return (flags & MSG_TRUNC) === 0 ? count : data.length;
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    table?.wait(this.readable);
    let events = WRITABLE;
    if (this.error !== undefined) events |= EPOLLERR;
    if (this.queue.length > 0) events |= EPOLLIN | EPOLLRDNORM;
    return events;
  }

  override setOption(task: Task, level: number, name: number, value: Uint8Array): void {
    if (level !== SOL_NETLINK) throw ENOPROTOOPT;
    const number = value.length < 4 ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0, true);
    if (flagOptions.has(name)) {
      if (number === 0) this.flags.delete(name);
      else this.flags.add(name);
    } else if (name === NETLINK_ADD_MEMBERSHIP || name === NETLINK_DROP_MEMBERSHIP) {
      this.checkGroups(task);
      if (number === 0 || number > this.answerer.groups) throw EINVAL;
      this.setMember(number, name === NETLINK_ADD_MEMBERSHIP);
    } else throw ENOPROTOOPT;
  }

  override getOption(_task: Task, level: number, name: number, room: number): Uint8Array {
    if (level !== SOL_NETLINK) throw ENOPROTOOPT;
    if (name === NETLINK_LIST_MEMBERSHIPS) return this.groupWords();
    if (!flagOptions.has(name)) throw ENOPROTOOPT;
    if (room < 4) throw EINVAL;
    return new Uint8Array(new Int32Array([this.flags.has(name) ? 1 : 0]).buffer);
  }

  private groupWords(): Uint8Array {
    const words = new Uint32Array(Math.ceil(this.answerer.groups / 32));
    for (const group of this.groups) words[(group - 1) >> 5] |= 1 << ((group - 1) & 31);
    return new Uint8Array(words.buffer);
  }

  override release(): void {
    this.netlink.remove(this);
    this.queue.length = 0;
    this.dump = undefined;
  }
}
