/** TCP sockets: tcp(7). What programs see of connections; the connections themselves are in tcp-connection. */
import type { PollTable } from '../../fs/file.js';
import { killInfo } from '../../kernel/siginfo.js';
import { sendToTask } from '../../kernel/signal-send.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import type { TimerTarget } from '../../kernel/timers.js';
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  EFAULT,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
} from '../../uapi/errno.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLRDHUP, EPOLLRDNORM } from '../../uapi/epoll.js';
import { IPPROTO_TCP } from '../../uapi/in.js';
import { SIGPIPE } from '../../uapi/signal.js';
import {
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_MORE,
  MSG_NOSIGNAL,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SOCK_STREAM,
  SOL_TCP,
  SO_KEEPALIVE,
} from '../../uapi/socket.js';
import { SIOCATMARK, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD } from '../../uapi/sockios.js';
import { familyOf } from '../addresses.js';
import { isAny, isV4 } from '../ip-address.js';
import type { ReceiveRequest, SendRequest } from '../message.js';
import { hasPassed, RCV_SHUTDOWN, READABLE, SEND_SHUTDOWN, SHUTDOWN_MASK, WRITABLE } from '../socket.js';
import type { Endpoint } from './inet-address.js';
import { InetSocket } from './inet-socket.js';
import { findPath, type Failure, type IpPath, type Received } from './ip.js';
import type { InetStack } from './stack.js';
import { abort, clock, closeSending } from './tcp-timer.js';
import {
  EVENT_CONNECTED,
  EVENT_READABLE,
  EVENT_STATE,
  EVENT_WRITABLE,
  TcpConnection,
  type TcpEnvironment,
} from './tcp-connection.js';
import { answer, open, receive } from './tcp-input.js';
import { afterRead, output } from './tcp-output.js';
import type { Segment } from './tcp-segment.js';
import { getTcpOption, setTcpOption, TcpOptions } from './tcp-sockopt.js';

/** IP's and TCP's headers together. */
const HEADERS_V4 = 40;
const HEADERS_V6 = 60;
/** Buffers grow to this as they are needed, unless a program has chosen their size. */
const BUFFER_CAPACITY = 1 << 20;
/** A port of a connection in TIME-WAIT may be taken for a new one after so long: net.ipv4.tcp_tw_reuse. */
const REUSE_AFTER_NS = 1e9;

type Phase = 'unconnected' | 'listening' | 'connecting' | 'connected';

export class TcpSocket extends InetSocket implements TcpEnvironment, TimerTarget {
  phase: Phase = 'unconnected';
  connection: TcpConnection | undefined;
  tcp = new TcpOptions();
  /** Of a listener: connections to be accepted, and those whose handshake is under way. */
  private readonly pending: TcpSocket[] = [];
  private readonly half = new Set<TcpSocket>();
  backlog = 0;
  /** The listener that a connection has come through, until it is accepted. */
  private listener: TcpSocket | undefined;
  private path: IpPath | undefined;
  /** The connection has ended and told so: what is read now is its end. */
  private done = false;
  private timer = 0;
  private timerAt = Infinity;
  private closed = false;
  /** It has its port by a connection, and gives it back with it. */
  private portByConnection = false;

  constructor(stack: InetStack, uid: number, family: number) {
    super(stack, uid, family, SOCK_STREAM, IPPROTO_TCP);
    const { tcpWmem, tcpRmem } = stack.net.settings;
    this.options.sendBuffer = tcpWmem;
    this.options.receiveBuffer = tcpRmem;
  }

  override get listening(): boolean {
    return this.phase === 'listening';
  }
  get pendingCount(): number {
    return this.pending.length;
  }
  protected override get isStream(): boolean {
    return true;
  }
  protected override get isActive(): boolean {
    return this.phase !== 'unconnected';
  }

  // Ports.

  protected override takePort(port: number): void {
    const { ports } = this.stack.tcp;
    const chosen = port === 0 ? ports.choose(this, this.stack.random32()) : port;
    ports.check(this, chosen);
    ports.add(this, chosen);
    this.localPort = chosen;
  }
  protected override freePort(): void {
    if (this.localPort !== 0) this.stack.tcp.ports.remove(this, this.localPort);
    this.localPort = 0;
  }

  /** A port from which there is no connection to there yet. */
  private takePortFor({ address, port }: Endpoint, source: string): void {
    const { tcp } = this.stack;
    const { localPortFirst, localPortLast } = this.net.settings;
    const count = localPortLast - localPortFirst + 1;
    const random = this.stack.random32();
    for (let tries = 0; tries < count; tries++) {
      const candidate = localPortFirst + ((random + tries) % count);
      if ([...tcp.ports.at(candidate)].some((user) => !user.portByConnection)) continue;
      const other = tcp.findConnection(source, candidate, address, port);
      if (other !== undefined && !other.makesWay()) continue;
      this.localPort = candidate;
      this.portByConnection = true;
      tcp.ports.add(this, candidate);
      return;
    }
    throw EADDRNOTAVAIL;
  }

  /** A connection in TIME-WAIT over lo makes way for another. */
  private makesWay(): boolean {
    const { connection } = this;
    if (connection?.state !== 'time-wait' || !connection.timestamps || this.path?.device.isLoopback !== true)
      return false;
    if (this.now() - connection.lastReceivedAt < REUSE_AFTER_NS) return false;
    this.forget();
    return true;
  }

  // Listening.

  override listen(_task: Task, backlog: number): number {
    if (this.phase !== 'listening') {
      if (this.phase !== 'unconnected') throw EINVAL;
      if (this.localPort === 0) this.takePort(0);
      // Others that share the port must not listen.
      this.stack.tcp.ports.check(this, this.localPort);
      this.phase = 'listening';
      this.error = undefined;
    }
    this.backlog = backlog;
    return 0;
  }

  override accept(task: Task, nonBlocking: boolean): TcpSocket | Promise<TcpSocket> {
    if (this.phase !== 'listening') throw EINVAL;
    const connection = this.pending.shift();
    if (connection !== undefined) return connection.accepted();
    if (nonBlocking) throw EAGAIN;
    return this.acceptLater(task);
  }

  private async acceptLater(task: Task): Promise<TcpSocket> {
    const deadline = this.receiveDeadline(task, 0);
    for (;;) {
      if (!this.listening) throw EINVAL;
      const connection = this.pending.shift();
      if (connection !== undefined) return connection.accepted();
      if (hasPassed(task, deadline)) throw EAGAIN;
      await this.readable.sleep(task, deadline);
    }
  }

  private accepted(): this {
    this.listener = undefined;
    return this;
  }

  /** A SYN has come: there is a new connection, if there is room for it. */
  called(info: Received, remotePort: number, segment: Segment): void {
    // As if it had been lost: the caller tries again.
    if (this.pending.length + this.half.size > this.backlog) return;
    let path: IpPath;
    try {
      path = findPath(this.net, info.source, this.options.boundDevice, info.destination);
    } catch (error) {
      if (error === ENETUNREACH) return;
      throw error;
    }
    const child = new TcpSocket(this.stack, this.uid, this.family);
    child.adopt(this, info, remotePort, path);
    this.half.add(child);
    child.run((connection) => answer(connection, segment));
  }

  /** Becomes a connection that has come through `listener`. */
  private adopt(listener: TcpSocket, info: Received, remotePort: number, path: IpPath): void {
    this.listener = listener;
    this.adoptOptions(listener);
    this.local = info.destination;
    this.localPort = listener.localPort;
    this.remote = info.source;
    this.remotePort = remotePort;
    this.addressBound = true;
    this.stack.tcp.ports.add(this, this.localPort);
    this.begin(path);
    this.phase = 'connected';
  }

  private adoptOptions(listener: TcpSocket): void {
    this.options = listener.options.clone();
    this.ip = listener.ip.clone();
    this.tcp = listener.tcp.clone();
  }

  /** The handshake is over, or has failed. */
  private leaveHalf(listener: TcpSocket, connected: boolean): void {
    if (!listener.half.delete(this)) return;
    if (!connected || !listener.listening) return;
    listener.pending.push(this);
    listener.readable.wakeOne(READABLE);
  }

  // Connecting.

  override connect(task: Task, bytes: Uint8Array, nonBlocking: boolean): Result {
    const family = familyOf(bytes);
    if (family === undefined) throw EINVAL;
    if (family === AF_UNSPEC) return this.disconnect();
    switch (this.phase) {
      case 'listening':
      case 'connected':
        throw EISCONN;
      case 'connecting':
        if (this.isConnecting && nonBlocking) throw EALREADY;
        break;
      case 'unconnected':
        this.beginConnect(bytes);
        // Over lo it may have ended by now; but the answer is for the next call to see, as on Linux.
        if (nonBlocking) throw EINPROGRESS;
        break;
      default:
        return this.phase satisfies never;
    }
    if (!this.isConnecting) return this.endConnect();
    return this.connectLater(task);
  }

  private get isConnecting(): boolean {
    const state = this.connection?.state;
    return state === 'syn-sent' || state === 'syn-received';
  }

  private beginConnect(bytes: Uint8Array): void {
    const to = this.readRemote(bytes);
    const path = this.pathTo(to);
    if (path.kind !== 'unicast') throw ENETUNREACH;
    if (isV4(to.address) !== isV4(path.source)) throw EAFNOSUPPORT;
    if (this.localPort === 0) this.takePortFor(to, path.source);
    else if (
      this.stack.tcp.findConnection(path.source, this.localPort, to.address, to.port)?.makesWay() === false
    )
      throw EADDRNOTAVAIL;
    if (isAny(this.local)) this.local = path.source;
    this.remote = to.address;
    this.remotePort = to.port;
    this.scope = to.scope;
    this.done = false;
    this.shutdowns = 0;
    this.begin(path);
    this.phase = 'connecting';
    this.run(open);
  }

  private async connectLater(task: Task): Promise<number> {
    const deadline = this.sendDeadline(task, 0);
    while (this.isConnecting) {
      // It goes on all the same, and the next call waits for it again.
      if (hasPassed(task, deadline)) throw EINPROGRESS;
      await this.writable.sleep(task, deadline);
    }
    return this.endConnect();
  }

  /** The attempt has ended, one way or the other. */
  private endConnect(): number {
    if (this.connection !== undefined && this.connection.state !== 'closed') {
      this.phase = 'connected';
      return 0;
    }
    const error = this.takeError() ?? ECONNABORTED;
    this.disconnect();
    throw error;
  }

  /** connect(2) to nobody: a connection is broken off, a listener stops. */
  private disconnect(): number {
    if (this.listening) this.stopListening();
    else if (this.connection !== undefined) this.run(abort);
    this.phase = 'unconnected';
    this.connection = undefined;
    this.remote = undefined;
    this.remotePort = 0;
    this.shutdowns = 0;
    this.error = undefined;
    this.done = false;
    if (!this.addressBound) {
      this.freePort();
      this.local = this.anyAddress;
    }
    return 0;
  }

  // The connection.

  private begin(path: IpPath): void {
    const { options } = this;
    this.path = path;
    const headers = isV4(path.destination) ? HEADERS_V4 : HEADERS_V6;
    const mss = Math.min(path.device.mtu, 65_535) - headers;
    const connection = new TcpConnection(this, {
      mss: this.tcp.maxSegment === 0 ? mss : Math.min(mss, this.tcp.maxSegment),
      receiveCapacity: options.receiveBufferLocked ? Math.max(options.receiveBuffer, 2048) : BUFFER_CAPACITY,
      sendCapacity: options.sendBufferLocked ? options.sendBuffer : BUFFER_CAPACITY,
      initialSequence: this.stack.random32(),
      timestampOffset: this.stack.random32(),
    });
    this.connection = connection;
    this.tcp.apply(connection);
    connection.keepAlive = options.has(SO_KEEPALIVE);
    this.stack.tcp.addConnection(this);
  }

  /** Does something with the connection, and then what follows from it. */
  run(action: (connection: TcpConnection) => void): void {
    const { connection, net } = this;
    if (connection === undefined) return;
    net.enter();
    try {
      action(connection);
      this.settle(connection);
    } finally {
      net.leave();
    }
  }

  receiveSegment(segment: Segment): void {
    const { connection } = this;
    if (connection === undefined) return;
    receive(connection, segment);
    this.settle(connection);
  }

  now(): number {
    return this.net.kernel.host.clock.now();
  }

  transmit(_connection: TcpConnection, segment: Segment): void {
    const { path, ip, remote } = this;
    if (path === undefined || remote === undefined || !path.device.isUp) return;
    const { stack, local, localPort, remotePort } = this;
    stack.trySend(() =>
      stack.tcp.transmit(path, local, localPort, remotePort, segment, ip.ttlFor(remote), ip.tosFor(remote)),
    );
  }

  expired(): void {
    this.timer = 0;
    this.timerAt = Infinity;
    this.run((connection) => {
      if (connection.deadline <= this.now()) clock(connection);
    });
  }

  /** Tells those who wait what has happened, and sets the timer. */
  private settle(connection: TcpConnection): void {
    const events = connection.takeEvents();
    if (events !== 0) this.handle(connection, events);
    const { deadline } = connection;
    // A timer that comes too early finds nothing to do, and is set again: cheaper than moving it with each segment.
    if (deadline >= this.timerAt) return;
    const { timers } = this.net.kernel.scheduler;
    if (this.timer !== 0) timers.cancel(this.timer);
    this.timer = deadline === Infinity ? 0 : timers.add(deadline, this);
    this.timerAt = deadline;
  }

  private handle(connection: TcpConnection, events: number): void {
    const { listener } = this;
    if ((events & EVENT_CONNECTED) !== 0) {
      if (listener !== undefined) this.leaveHalf(listener, true);
      this.writable.wake();
    }
    if (connection.finReceived && (this.shutdowns & RCV_SHUTDOWN) === 0) {
      this.shutdowns |= RCV_SHUTDOWN;
      this.done = true;
    }
    if (connection.state === 'closed') this.ended(connection);
    if ((events & EVENT_STATE) !== 0) {
      this.readable.wake();
      this.writable.wake();
      return;
    }
    if ((events & EVENT_READABLE) !== 0) this.readable.wake(READABLE);
    if ((events & EVENT_WRITABLE) !== 0 && this.isWritable) this.writable.wake(WRITABLE);
  }

  private ended(connection: TcpConnection): void {
    if (connection.failure !== undefined) this.error = connection.failure;
    this.shutdowns = SHUTDOWN_MASK;
    this.done = true;
    if (this.listener !== undefined) this.leaveHalf(this.listener, false);
    this.forget();
  }

  /** The connection is no more: its place and its port are free. */
  forget(): void {
    this.stack.tcp.removeConnection(this);
    const { timers } = this.net.kernel.scheduler;
    if (this.timer !== 0) timers.cancel(this.timer);
    this.timer = 0;
    this.timerAt = Infinity;
    if (this.connection !== undefined && this.connection.state !== 'closed') this.connection.finish();
    if (this.closed || this.portByConnection) {
      this.stack.tcp.ports.remove(this, this.localPort);
      this.portByConnection = false;
      if (!this.closed && this.phase === 'connecting') this.localPort = 0;
    }
  }

  /** ICMP says that segments do not arrive. Only an attempt to connect ends for it: RFC 5461. */
  pathFailed({ error }: Failure): void {
    const { connection } = this;
    if (connection === undefined || !this.isConnecting) return;
    connection.finish(error);
    this.settle(connection);
  }

  // Sending and receiving.

  /** A third of what is taken must be free, or senders would be woken for a few bytes. */
  private get isWritable(): boolean {
    const { connection } = this;
    if (connection === undefined) return true;
    return connection.writable * 2 >= connection.sendRing.used;
  }

  override send(task: Task, request: SendRequest): Result {
    const { flags, data } = request;
    if ((flags & MSG_OOB) !== 0) throw EOPNOTSUPP;
    const { connection } = this;
    if (connection === undefined) return this.broken(task, flags);
    if (this.isConnecting) {
      if ((flags & MSG_DONTWAIT) !== 0) throw EAGAIN;
      return this.sendLater(task, request, 0);
    }
    const count = this.give(task, connection, request);
    if (data.remaining === 0 || data.fault) return count;
    if ((flags & MSG_DONTWAIT) === 0) return this.sendLater(task, request, count);
    if (count === 0) throw EAGAIN;
    return count;
  }

  private async sendLater(task: Task, request: SendRequest, before: number): Promise<number> {
    const { data, flags } = request;
    const connection = this.connection as TcpConnection;
    const deadline = this.sendDeadline(task, flags);
    let count = before;
    try {
      do {
        while (
          this.isConnecting ||
          (connection.canSend && connection.writable === 0 && this.error === undefined)
        ) {
          if (hasPassed(task, deadline)) throw EAGAIN;
          await this.writable.sleep(task, deadline);
        }
        count += this.give(task, connection, request);
      } while (data.remaining > 0 && !data.fault);
      return count;
    } catch (error) {
      // What has been sent counts more than why it was not all.
      if (count > 0) return count;
      throw error;
    }
  }

  /** Hands bytes to the connection, as many as there is room for. */
  private give(task: Task, connection: TcpConnection, { data, flags }: SendRequest): number {
    if (!connection.canSend || this.error !== undefined || (this.shutdowns & SEND_SHUTDOWN) !== 0)
      return this.broken(task, data.moved > 0 ? flags | MSG_NOSIGNAL : flags);
    const count = connection.write(data);
    if (count > 0) {
      // More is to come: a segment that is not full waits for it.
      const more = (flags & MSG_MORE) !== 0;
      this.run((own) => {
        own.corked = this.tcp.cork || more;
        output(own);
        own.corked = this.tcp.cork;
      });
    }
    if (data.fault && data.moved === 0) throw EFAULT;
    return count;
  }

  /** It can't send: why, told once; then EPIPE, with a signal. */
  private broken(task: Task, flags: number): never {
    const error = this.takeError() ?? EPIPE;
    if (error === EPIPE && (flags & MSG_NOSIGNAL) === 0) sendToTask(task, killInfo(task, SIGPIPE));
    throw error;
  }

  override receive(task: Task, request: ReceiveRequest): Result {
    const { data, flags } = request;
    if ((flags & MSG_ERRQUEUE) !== 0) throw EAGAIN;
    if (this.listening) throw ENOTCONN;
    if ((flags & MSG_OOB) !== 0) throw EINVAL;
    const lowWater =
      (flags & MSG_WAITALL) !== 0 ? data.remaining : Math.min(this.options.receiveLowWater, data.remaining);
    const target = lowWater || 1;
    if (this.fetch(request, target)) return this.received(request);
    if ((flags & MSG_DONTWAIT) === 0) return this.receiveLater(task, request, target);
    if (request.count === 0) throw EAGAIN;
    return this.received(request);
  }

  private async receiveLater(task: Task, request: ReceiveRequest, target: number): Promise<number> {
    const deadline = this.receiveDeadline(task, request.flags);
    try {
      while (!this.fetch(request, target)) {
        if (hasPassed(task, deadline)) throw EAGAIN;
        await this.readable.sleep(task, deadline);
      }
    } catch (error) {
      if (request.count === 0) throw error;
    }
    return this.received(request);
  }

  /** Takes what is there. True when the call is to end: it has what it wants, or there will be no more. */
  private fetch(request: ReceiveRequest, target: number): boolean {
    const { data, flags } = request;
    const { connection } = this;
    if (connection !== undefined && connection.readable > 0) {
      if ((flags & MSG_PEEK) !== 0) return this.peek(connection, request);
      if ((flags & MSG_TRUNC) !== 0) request.count += drop(connection, data.remaining - request.count);
      else request.count += connection.read(data);
      if (data.fault) {
        if (request.count === 0) throw EFAULT;
        return true;
      }
      this.run(afterRead);
      if (data.remaining === 0) return true;
    }
    if (request.count >= target) return true;
    // Bytes in hand come first: the reason why there are no more is told by the next call.
    if (request.count > 0) return this.error !== undefined || this.done || this.isOver;
    if (this.done && this.error === undefined) return true;
    if (this.error !== undefined) throw this.takeError();
    if ((this.shutdowns & RCV_SHUTDOWN) !== 0) return true;
    if (this.isOver) throw ENOTCONN;
    return false;
  }

  /** There is no connection. One in TIME-WAIT is not the program's any more. */
  get isOver(): boolean {
    const state = this.connection?.state ?? 'closed';
    return state === 'closed' || state === 'time-wait';
  }

  private peek(connection: TcpConnection, request: ReceiveRequest): boolean {
    const { data } = request;
    const bytes = new Uint8Array(Math.min(data.remaining, connection.readable));
    connection.receiveRing.peek(bytes);
    request.count = data.put(bytes);
    if (data.fault && request.count === 0) throw EFAULT;
    return true;
  }

  private received(request: ReceiveRequest): number {
    return request.count;
  }

  // The rest.

  override peerName(): Uint8Array {
    if (this.isOver || this.connection?.state === 'syn-sent') throw ENOTCONN;
    return super.peerName();
  }
  override get connectionName(): Uint8Array {
    return super.peerName();
  }

  override shutdown(mask: number): void {
    if (this.listening) {
      if ((mask & RCV_SHUTDOWN) !== 0) this.stopListening();
      return;
    }
    const { connection } = this;
    const unconnected = this.isOver;
    this.shutdowns |= mask;
    if (connection?.state === 'syn-sent') {
      this.run(abort);
      this.phase = 'unconnected';
    } else if ((mask & SEND_SHUTDOWN) !== 0) this.run(closeSending);
    this.readable.wake();
    this.writable.wake();
    if (unconnected) throw ENOTCONN;
  }

  private stopListening(): void {
    this.phase = 'unconnected';
    const children = [...this.half, ...this.pending];
    this.half.clear();
    this.pending.length = 0;
    for (const child of children) {
      child.listener = undefined;
      child.closed = true;
      child.run(abort);
    }
    this.readable.wake();
  }

  override poll(_task: Task, table: PollTable | undefined): number {
    table?.wait(this.readable);
    table?.wait(this.writable);
    if (this.listening) return this.pending.length > 0 ? EPOLLIN | EPOLLRDNORM : 0;
    let events = 0;
    if (this.shutdowns === SHUTDOWN_MASK || this.isOver) events |= EPOLLHUP;
    if ((this.shutdowns & RCV_SHUTDOWN) !== 0) events |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    if (!this.isConnecting) {
      if ((this.connection?.readable ?? 0) >= this.options.receiveLowWater) events |= EPOLLIN | EPOLLRDNORM;
      if ((this.shutdowns & SEND_SHUTDOWN) !== 0 || this.isWritable) events |= WRITABLE;
    }
    if (this.error !== undefined) events |= EPOLLERR;
    return events & ~0x280;
  }

  override ioctl(task: Task, request: number, argument: number): Result {
    const { connection } = this;
    switch (request) {
      case SIOCINQ:
      case SIOCOUTQ:
      case SIOCOUTQNSD:
        if (this.listening) throw EINVAL;
        task.memory.putU32(argument, queueLength(connection, request));
        return 0;
      case SIOCATMARK:
        task.memory.putU32(argument, 0);
        return 0;
      default:
        return super.ioctl(task, request, argument);
    }
  }

  override setOption(task: Task, level: number, name: number, value: Uint8Array): void {
    if (level === SOL_TCP) setTcpOption(this, name, value);
    else super.setOption(task, level, name, value);
  }
  override getOption(task: Task, level: number, name: number, room: number): Uint8Array {
    return level === SOL_TCP ? getTcpOption(this, name) : super.getOption(task, level, name, room);
  }

  override optionChanged(name: number): void {
    const { connection } = this;
    if (name !== SO_KEEPALIVE || connection === undefined) return;
    connection.keepAlive = this.options.has(SO_KEEPALIVE);
    connection.keepAliveAt = connection.keepAlive ? this.now() + connection.keepIdle : Infinity;
    this.settle(connection);
  }

  override release(): void {
    this.closed = true;
    this.shutdowns = SHUTDOWN_MASK;
    if (this.listening) this.stopListening();
    const { connection } = this;
    if (connection === undefined || connection.state === 'closed') {
      if (this.localPort !== 0) this.stack.tcp.ports.remove(this, this.localPort);
      return;
    }
    connection.orphaned = true;
    const { lingerOn, lingerSeconds } = this.options;
    // Data that were not read are lost: the peer is not to think that they have arrived.
    const lost = connection.readable > 0 || (lingerOn && lingerSeconds === 0);
    connection.discard();
    this.run((own) => {
      if (lost || !own.synchronized) abort(own);
      else closeSending(own);
      if (own.state === 'fin-wait-2') own.endAt = this.now() + own.finTimeout;
    });
  }
}

function drop(connection: TcpConnection, count: number): number {
  const dropped = Math.min(count, connection.readable);
  connection.receiveRing.drop(dropped);
  return dropped;
}

function queueLength(connection: TcpConnection | undefined, request: number): number {
  if (connection === undefined || !connection.synchronized) return 0;
  if (request === SIOCINQ) return connection.readable;
  return (
    connection.sendRing.used -
    (request === SIOCOUTQNSD ? Math.min(connection.inFlight, connection.sendRing.used) : 0)
  );
}
