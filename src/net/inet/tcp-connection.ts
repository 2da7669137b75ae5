/**
 * One end of a TCP connection: RFC 9293's transmission control block, and what a program does with it. What segments do is in
 * tcp-input, what is sent in tcp-output, time in tcp-timer. None of these know sockets, devices or the clock: the
 * environment gives the time and takes segments, so that a test can lose, delay and reorder them.
 *
 * What must hold: `sendRing` holds the bytes from sndUna (the first not acknowledged) on; `receiveRing` those up to rcvNxt
 * that the program has not read.
 */
import { ByteRing } from '../../lib/byte-ring.js';
import type { IoBuffer } from '../../lib/io-buffer.js';
import type { Errno } from '../../uapi/errno.js';
import { Congestion } from './tcp-cong.js';
import { OutOfOrder } from './tcp-reassembly.js';
import { RoundTrip } from './tcp-rtt.js';
import type { Segment } from './tcp-segment.js';
import { advance, ahead } from './tcp-sequence.js';

export type TcpState =
  | 'syn-sent'
  | 'syn-received'
  | 'established'
  | 'fin-wait-1'
  | 'fin-wait-2'
  | 'close-wait'
  | 'closing'
  | 'last-ack'
  | 'time-wait'
  | 'closed';

/** What has happened since somebody looked. */
export const EVENT_CONNECTED = 1;
export const EVENT_READABLE = 2;
export const EVENT_WRITABLE = 4;
/** The peer has sent its last, the connection has failed or is over. */
export const EVENT_STATE = 8;

export interface TcpEnvironment {
  /** In nanoseconds. */
  now(): number;
  transmit(connection: TcpConnection, segment: Segment): void;
}

export interface TcpSettings {
  /** The largest segment that the way to the peer carries, without options. */
  readonly mss: number;
  readonly receiveCapacity: number;
  readonly sendCapacity: number;
  /** Where our sequence numbers begin. */
  readonly initialSequence: number;
  /** What is added to the time in timestamps. */
  readonly timestampOffset: number;
}

/** Our window is shown in units of 2 to this power. */
export const WINDOW_SCALE = 7;
export const WINDOW_MAX = 0xffff << WINDOW_SCALE;

export class TcpConnection {
  state: TcpState = 'closed';
  /** Why it ended, if not by both sides' wish. */
  failure: Errno | undefined;
  /** EVENT_* */
  events = 0;
  /** Nobody holds it any more: what comes is refused. */
  orphaned = false;

  // Sending.
  /** First byte not acknowledged; next to be sent; the highest ever sent. */
  sndUna: number;
  sndNxt: number;
  sndMax: number;
  /** How much the peer takes from sndUna on, and the segment that told so. */
  sndWnd = 0;
  sndWl1 = 0;
  sndWl2 = 0;
  maxSndWnd = 0;
  sndScale = 0;
  readonly sendRing: ByteRing;
  /** The program sends no more: a FIN follows the data. */
  finQueued = false;
  mss: number;

  // Receiving.
  rcvNxt = 0;
  /** The right edge of the window that the peer knows. */
  rcvAdv = 0;
  /** rcvNxt when an acknowledgement was last sent. */
  lastAcked = 0;
  rcvScale = 0;
  readonly receiveRing: ByteRing;
  readonly outOfOrder = new OutOfOrder();
  /** The peer has sent its FIN, and all before it is here. */
  finReceived = false;
  /** The size of segments that come in. */
  peerMss = 536;

  // Options that both sides have.
  timestamps = false;
  sack = false;
  timestampRecent = 0;
  timestampRecentAt = 0;

  readonly roundTrip = new RoundTrip();
  readonly congestion: Congestion;
  duplicateAcks = 0;
  /** The segment whose round trip is being measured, and when it was sent; undefined: none is. */
  timedSeq: number | undefined;
  timedAt = 0;
  /** Times that something was sent again. */
  retransmits = 0;

  // When to act, in kernel time: tcp-timer.
  retransmitAt = Infinity;
  persistAt = Infinity;
  ackAt = Infinity;
  keepAliveAt = Infinity;
  /** The end of TIME-WAIT, or of waiting for the FIN of a peer whom nobody listens to. */
  endAt = Infinity;
  probes = 0;
  keepAliveProbes = 0;
  /** When retransmissions began; for TCP_USER_TIMEOUT. */
  retransmittingSince = 0;
  lastReceivedAt = 0;
  lastSentAt = 0;

  /** An acknowledgement is due: now, or with the next data. */
  ackNow = false;
  ackPending = false;
  /** Both sides talk in turn: acknowledgements travel with the answers. */
  pingPong = false;

  // What the program has asked for.
  noDelay = false;
  corked = false;
  /** Small segments have been held back for long enough. */
  impatient = false;
  keepAlive = false;
  keepIdle = 7200e9;
  keepInterval = 75e9;
  keepCount = 9;
  synCount = 6;
  /** TCP_USER_TIMEOUT in ns; 0 for the default. */
  userTimeout = 0;
  /** How long an orphan waits for the peer's FIN: TCP_LINGER2. */
  finTimeout = 60e9;

  // Counters of TCP_INFO.
  segmentsIn = 0;
  segmentsOut = 0;
  bytesReceived = 0;
  bytesAcked = 0;

  constructor(
    readonly environment: TcpEnvironment,
    readonly settings: TcpSettings,
  ) {
    this.mss = settings.mss;
    this.sendRing = new ByteRing(settings.sendCapacity);
    this.receiveRing = new ByteRing(settings.receiveCapacity);
    this.congestion = new Congestion(settings.mss);
    this.sndUna = this.sndNxt = this.sndMax = settings.initialSequence >>> 0;
  }

  /** Bytes sent and not acknowledged. */
  get inFlight(): number {
    return ahead(this.sndNxt, this.sndUna);
  }

  /** In states in which SYNs have crossed. */
  get synchronized(): boolean {
    return this.state !== 'syn-sent' && this.state !== 'syn-received' && this.state !== 'closed';
  }

  /** The program may still send. */
  get canSend(): boolean {
    return (this.state === 'established' || this.state === 'close-wait') && !this.finQueued;
  }

  /** Bytes to be read. */
  get readable(): number {
    return this.receiveRing.used;
  }

  /** Bytes that the program may write now. */
  get writable(): number {
    return this.sendRing.free;
  }

  /** The sequence number behind all data that the program has written: that of the FIN. */
  get endOfData(): number {
    return advance(this.sndUna, this.sendRing.used + (this.sndUnaIsSyn ? 1 : 0));
  }

  /** The SYN is not acknowledged: the ring begins one later. */
  get sndUnaIsSyn(): boolean {
    return this.state === 'syn-sent' || this.state === 'syn-received';
  }

  /** Whether the FIN has been sent. */
  get finSent(): boolean {
    return this.finQueued && ahead(this.sndMax, this.endOfData) > 0;
  }

  /** Milliseconds, from a point of its own for each connection. */
  get timestamp(): number {
    return (Math.floor(this.environment.now() / 1e6) + this.settings.timestampOffset) >>> 0;
  }

  /** Takes bytes of the program, as many as there is room for. Call output() then. */
  write(from: IoBuffer): number {
    const { sendRing } = this;
    let done = 0;
    while (from.remaining > 0 && sendRing.free > 0) {
      const room = sendRing.back(from.remaining);
      const moved = from.get(room);
      sendRing.grow(moved);
      done += moved;
      if (moved < room.length) break;
    }
    return done;
  }

  /** Gives bytes to the program. Call afterRead() then. */
  read(to: IoBuffer): number {
    const { receiveRing } = this;
    let done = 0;
    while (to.remaining > 0 && receiveRing.used > 0) {
      const piece = receiveRing.front();
      const wanted = Math.min(piece.length, to.remaining);
      const moved = to.put(wanted < piece.length ? piece.subarray(0, wanted) : piece);
      receiveRing.drop(moved);
      done += moved;
      if (moved < wanted) break;
    }
    return done;
  }

  /** The state has come to its end. */
  finish(failure?: Errno): void {
    this.state = 'closed';
    this.failure ??= failure;
    this.retransmitAt = this.persistAt = this.ackAt = this.keepAliveAt = this.endAt = Infinity;
    this.ackNow = this.ackPending = false;
    this.freeSendRing();
    this.outOfOrder.clear();
    this.events |= EVENT_STATE | EVENT_READABLE | EVENT_WRITABLE;
  }

  /** When clock() wants to be called next. */
  get deadline(): number {
    return Math.min(this.retransmitAt, this.persistAt, this.ackAt, this.keepAliveAt, this.endAt);
  }

  /** Nothing will be sent any more: its memory is given back. */
  freeSendRing(): void {
    this.sendRing.clear();
    this.sendRing.resize(0);
  }

  /** Nobody will read what has been received. */
  discard(): void {
    this.receiveRing.clear();
    this.receiveRing.resize(0);
  }

  takeEvents(): number {
    const { events } = this;
    this.events = 0;
    return events;
  }
}
