/** What a segment that has arrived does: RFC 9293 section 3.10.7, RFC 5961 (forged segments), RFC 7323 (old duplicates). */
import { ECONNREFUSED, ECONNRESET, EPIPE } from '../../uapi/errno.js';
import { TCPHDR_ACK, TCPHDR_FIN, TCPHDR_PSH, TCPHDR_RST, TCPHDR_SYN } from '../../uapi/ip.js';
import {
  EVENT_CONNECTED,
  EVENT_READABLE,
  EVENT_STATE,
  EVENT_WRITABLE,
  type TcpConnection,
  WINDOW_SCALE,
} from './tcp-connection.js';
import { output, retransmit, sendReset, sendSyn } from './tcp-output.js';
import { type Segment, segmentLength } from './tcp-segment.js';
import { advance, ahead, isAfter, isBefore, later } from './tcp-sequence.js';

const TIME_WAIT_NS = 60e9;
const DELAYED_ACK_NS = 40_000_000;
/** Acknowledgements of the same that mean a loss. */
const DUPLICATES = 3;
/** How long a timestamp is remembered: RFC 7323, section 5.5. */
const TIMESTAMP_LIFETIME_NS = 24 * 24 * 3600 * 1e9;
const MIN_MSS = 48;

const has = (segment: Segment, flag: number): boolean => (segment.flags & flag) !== 0;

/** Begins a connection. */
export function open(tcp: TcpConnection): void {
  tcp.state = 'syn-sent';
  sendSyn(tcp);
}

/** Answers a SYN, in a connection made for it. */
export function answer(tcp: TcpConnection, segment: Segment): void {
  tcp.state = 'syn-received';
  takeSyn(tcp, segment);
  sendSyn(tcp);
}

/** What a SYN tells: where the peer's numbers begin, and which options it has. */
function takeSyn(tcp: TcpConnection, { seq, window, options }: Segment): void {
  tcp.rcvNxt = tcp.lastAcked = advance(seq, 1);
  tcp.rcvAdv = advance(tcp.rcvNxt, Math.min(tcp.receiveRing.capacity, 0xffff));
  tcp.sndWnd = tcp.maxSndWnd = window;
  tcp.sndWl1 = seq;
  tcp.sndWl2 = tcp.sndUna;
  tcp.mss = Math.max(MIN_MSS, Math.min(tcp.settings.mss, options.mss ?? 536));
  tcp.peerMss = tcp.mss;
  if (options.windowScale !== undefined) {
    tcp.sndScale = options.windowScale;
    tcp.rcvScale = WINDOW_SCALE;
  }
  tcp.sack = options.sackPermitted === true;
  if (options.timestamp !== undefined) {
    tcp.timestamps = true;
    rememberTimestamp(tcp, options.timestamp);
  }
  tcp.congestion.begin(tcp.mss);
}

function rememberTimestamp(tcp: TcpConnection, timestamp: number): void {
  tcp.timestampRecent = timestamp;
  tcp.timestampRecentAt = tcp.environment.now();
}

/** A segment for a connection that exists. */
export function receive(tcp: TcpConnection, segment: Segment): void {
  tcp.segmentsIn++;
  if (tcp.state === 'closed') return;
  if (tcp.state === 'syn-sent') receiveInSynSent(tcp, segment);
  // The peer has not had our answer to its SYN.
  else if (tcp.state === 'syn-received' && isRepeatedSyn(tcp, segment)) sendSyn(tcp);
  else if (isFresh(tcp, segment) && isAcceptable(tcp, segment)) receiveInOrder(tcp, segment);
  output(tcp);
}

const isRepeatedSyn = (tcp: TcpConnection, { flags, seq }: Segment): boolean =>
  (flags & (TCPHDR_SYN | TCPHDR_ACK | TCPHDR_RST)) === TCPHDR_SYN && seq === advance(tcp.rcvNxt, -1);

/** Read anew: the compiler can't know that a call has changed it. */
const hasEnded = (tcp: TcpConnection): boolean => tcp.state === 'closed';

/** RFC 9293, section 3.10.7.3. */
function receiveInSynSent(tcp: TcpConnection, segment: Segment): void {
  const acknowledges = has(segment, TCPHDR_ACK);
  if (acknowledges && segment.ack !== advance(tcp.sndUna, 1)) {
    // Of an older connection: the peer is to forget it.
    if (!has(segment, TCPHDR_RST)) refuse(tcp, segment);
    return;
  }
  if (has(segment, TCPHDR_RST)) {
    if (acknowledges) tcp.finish(ECONNREFUSED);
    return;
  }
  if (!has(segment, TCPHDR_SYN)) return;
  takeSyn(tcp, segment);
  if (!acknowledges) {
    // Both have called at the same time.
    tcp.state = 'syn-received';
    sendSyn(tcp);
    return;
  }
  takeSynAck(tcp);
  tcp.ackNow = true;
}

/** Our SYN has been acknowledged. */
function takeSynAck(tcp: TcpConnection): void {
  const now = tcp.environment.now();
  if (tcp.timedSeq !== undefined) tcp.roundTrip.measured(now - tcp.timedAt);
  tcp.timedSeq = undefined;
  tcp.sndUna = advance(tcp.sndUna, 1);
  tcp.state = 'established';
  tcp.retransmitAt = Infinity;
  tcp.retransmits = 0;
  tcp.roundTrip.backoff = 0;
  tcp.lastReceivedAt = now;
  if (tcp.keepAlive) tcp.keepAliveAt = now + tcp.keepIdle;
  tcp.events |= EVENT_CONNECTED | EVENT_WRITABLE;
}

/** PAWS: a segment whose timestamp is older than the last one's is a duplicate from long ago. */
function isFresh(tcp: TcpConnection, segment: Segment): boolean {
  const { timestamp } = segment.options;
  if (!tcp.timestamps || timestamp === undefined) return true;
  const old = isBefore(timestamp, tcp.timestampRecent);
  if (!old) return true;
  if (tcp.environment.now() - tcp.timestampRecentAt > TIMESTAMP_LIFETIME_NS) return true;
  if (has(segment, TCPHDR_RST)) return true;
  tcp.ackNow = true;
  return false;
}

/** Whether any of it lies in the window. What does not is answered by where we are. */
function isAcceptable(tcp: TcpConnection, segment: Segment): boolean {
  const window = Math.max(0, ahead(tcp.rcvAdv, tcp.rcvNxt));
  const length = segmentLength(segment);
  const offset = ahead(segment.seq, tcp.rcvNxt);
  if (
    length === 0 ? offset >= 0 && (offset < window || offset === 0) : offset < window && offset + length > 0
  )
    return true;
  // An ACK of a window of zero counts all the same: it may open ours.
  if (length > 0 && window === 0 && offset === 0) {
    tcp.ackNow = true;
    if (has(segment, TCPHDR_ACK) && !has(segment, TCPHDR_RST | TCPHDR_SYN)) takeAck(tcp, segment);
    return false;
  }
  if (!has(segment, TCPHDR_RST)) tcp.ackNow = true;
  return false;
}

/** RFC 9293, section 3.10.7.4, from the second step on. */
function receiveInOrder(tcp: TcpConnection, segment: Segment): void {
  if (has(segment, TCPHDR_RST)) {
    takeReset(tcp, segment);
    return;
  }
  if (has(segment, TCPHDR_SYN)) {
    // In a connection that stands it proves nothing: the peer is asked.
    tcp.ackNow = true;
    return;
  }
  if (!has(segment, TCPHDR_ACK)) return;
  const { timestamp } = segment.options;
  if (tcp.timestamps && timestamp !== undefined && !isAfter(segment.seq, tcp.lastAcked))
    rememberTimestamp(tcp, timestamp);
  if (tcp.state === 'syn-received') {
    if (segment.ack !== tcp.sndNxt) {
      refuse(tcp, segment);
      return;
    }
    takeSynAck(tcp);
    tcp.sndWnd = tcp.maxSndWnd = segment.window << tcp.sndScale;
  }
  if (!takeAck(tcp, segment) || hasEnded(tcp)) return;
  tcp.lastReceivedAt = tcp.environment.now();
  if (tcp.keepAlive) tcp.keepAliveAt = tcp.lastReceivedAt + tcp.keepIdle;
  tcp.keepAliveProbes = 0;
  takeData(tcp, segment);
}

/** A reset counts only where it must come from the peer: RFC 5961, section 3. */
function takeReset(tcp: TcpConnection, segment: Segment): void {
  if (segment.seq !== tcp.rcvNxt) {
    tcp.ackNow = true;
    return;
  }
  if (tcp.state === 'time-wait') tcp.finish();
  else if (tcp.state === 'syn-received') tcp.finish(ECONNREFUSED);
  else tcp.finish(tcp.state === 'close-wait' ? EPIPE : ECONNRESET);
}

/** Tells the sender of a segment that there is no such connection. */
function refuse(tcp: TcpConnection, segment: Segment): void {
  tcp.environment.transmit(tcp, resetFor(segment));
}

const noData = new Uint8Array(0);

/** The reset that answers a segment. */
export function resetFor(segment: Segment): Segment {
  const reset = { window: 0, data: noData, options: {} };
  if (has(segment, TCPHDR_ACK)) return { ...reset, seq: segment.ack, ack: 0, flags: TCPHDR_RST };
  const ack = advance(segment.seq, segmentLength(segment));
  return { ...reset, seq: 0, ack, flags: TCPHDR_RST | TCPHDR_ACK };
}

/** False when the segment is not to be looked at any further. */
function takeAck(tcp: TcpConnection, segment: Segment): boolean {
  const { ack } = segment;
  if (isAfter(ack, tcp.sndMax)) {
    tcp.ackNow = true;
    return false;
  }
  if (isAfter(ack, tcp.sndUna)) takeNewAck(tcp, ack);
  else if (ack === tcp.sndUna) takeSameAck(tcp, segment);
  updateWindow(tcp, segment);
  return true;
}

function takeNewAck(tcp: TcpConnection, ack: number): void {
  const { congestion } = tcp;
  const before = tcp.inFlight;
  const limited = before + tcp.mss >= Math.min(congestion.window, tcp.sndWnd);
  const count = ahead(ack, tcp.sndUna);
  const data = Math.min(count, tcp.sendRing.used);
  const finAcked = tcp.finQueued && count > tcp.sendRing.used;
  const now = tcp.environment.now();
  if (tcp.timedSeq !== undefined && !isAfter(tcp.timedSeq, ack)) {
    tcp.roundTrip.measured(now - tcp.timedAt);
    tcp.timedSeq = undefined;
  }
  tcp.sendRing.drop(data);
  tcp.bytesAcked += data;
  tcp.sndUna = ack;
  tcp.sndNxt = later(tcp.sndNxt, ack);
  tcp.retransmits = 0;
  tcp.roundTrip.backoff = 0;
  tcp.duplicateAcks = 0;
  tcp.probes = 0;
  if (congestion.recoverAt === undefined) congestion.acknowledged(count, limited);
  else if (isBefore(ack, congestion.recoverAt)) {
    congestion.partial(count);
    retransmit(tcp);
  } else congestion.recovered(tcp.inFlight);
  tcp.retransmitAt = tcp.sndMax === ack ? Infinity : now + tcp.roundTrip.timeout;
  if (data > 0) tcp.events |= EVENT_WRITABLE;
  if (finAcked) takeFinAck(tcp);
}

/** Our FIN has arrived. */
function takeFinAck(tcp: TcpConnection): void {
  switch (tcp.state) {
    case 'fin-wait-1':
      tcp.state = 'fin-wait-2';
      tcp.events |= EVENT_STATE;
      if (tcp.orphaned) tcp.endAt = tcp.environment.now() + tcp.finTimeout;
      return;
    case 'closing':
      enterTimeWait(tcp);
      return;
    case 'last-ack':
      tcp.finish();
      return;
    default:
  }
}

/** The same again: something behind it has arrived, but not it. */
function takeSameAck(tcp: TcpConnection, segment: Segment): void {
  const isDuplicate =
    tcp.inFlight > 0 && segmentLength(segment) === 0 && segment.window << tcp.sndScale === tcp.sndWnd;
  if (!isDuplicate) return;
  const { congestion } = tcp;
  tcp.duplicateAcks++;
  if (congestion.recoverAt !== undefined) congestion.duplicate();
  else if (tcp.duplicateAcks === DUPLICATES) {
    congestion.lost(tcp.inFlight, tcp.sndMax);
    retransmit(tcp);
  }
}

function updateWindow(tcp: TcpConnection, segment: Segment): void {
  const { seq, ack } = segment;
  const isNewer =
    isAfter(seq, tcp.sndWl1) ||
    (seq === tcp.sndWl1 && !isBefore(ack, tcp.sndWl2)) ||
    isAfter(ack, tcp.sndWl2);
  if (!isNewer || isBefore(ack, tcp.sndUna)) return;
  tcp.sndWnd = segment.window << tcp.sndScale;
  tcp.maxSndWnd = Math.max(tcp.maxSndWnd, tcp.sndWnd);
  tcp.sndWl1 = seq;
  tcp.sndWl2 = ack;
  if (tcp.sndWnd > 0 && tcp.persistAt !== Infinity) {
    tcp.persistAt = Infinity;
    tcp.probes = 0;
    tcp.roundTrip.backoff = 0;
  }
}

/** Takes what is new of the data, and the FIN behind them. */
function takeData(tcp: TcpConnection, segment: Segment): void {
  const { data } = segment;
  const fin = has(segment, TCPHDR_FIN);
  if (data.length === 0 && !fin) return;
  switch (tcp.state) {
    case 'established':
    case 'fin-wait-1':
    case 'fin-wait-2':
      break;
    case 'time-wait':
      // The peer has not had our last acknowledgement.
      tcp.ackNow = true;
      tcp.endAt = tcp.environment.now() + TIME_WAIT_NS;
      return;
    default:
      tcp.ackNow = true;
      return;
  }
  const offset = ahead(tcp.rcvNxt, segment.seq);
  const fresh = data.length - offset;
  if (tcp.orphaned && fresh > 0 && data.length > 0) {
    // Nobody will ever read it, and the peer should know.
    sendReset(tcp);
    tcp.finish();
    return;
  }
  if (offset >= 0) {
    if (fresh > 0) appendData(tcp, offset === 0 ? data : data.subarray(offset), has(segment, TCPHDR_PSH));
    else if (data.length > 0) tcp.ackNow = true;
    if (fin && tcp.rcvNxt === advance(segment.seq, data.length)) takeFin(tcp);
    return;
  }
  // Ahead of a gap. A FIN there comes again, since it is not acknowledged.
  const room = Math.max(0, tcp.receiveRing.free + offset);
  if (data.length > 0) tcp.outOfOrder.add(segment.seq, data.subarray(0, room));
  tcp.ackNow = true;
}

function appendData(tcp: TcpConnection, data: Uint8Array, pushed: boolean): void {
  const { receiveRing, outOfOrder } = tcp;
  const count = receiveRing.put(data);
  tcp.bytesReceived += count;
  tcp.rcvNxt = advance(tcp.rcvNxt, count);
  // What does not fit was sent beyond the window: it comes again.
  if (count < data.length) tcp.ackNow = true;
  if (!outOfOrder.empty) {
    tcp.ackNow = true;
    for (let next = outOfOrder.take(tcp.rcvNxt); next !== undefined; next = outOfOrder.take(tcp.rcvNxt)) {
      const taken = receiveRing.put(next);
      tcp.rcvNxt = advance(tcp.rcvNxt, taken);
      if (taken < next.length) break;
    }
  }
  if (data.length > tcp.peerMss || !pushed)
    tcp.peerMss = Math.min(Math.max(data.length, 536), tcp.settings.mss);
  tcp.events |= EVENT_READABLE;
  scheduleAck(tcp);
}

/** Every second full segment is acknowledged at once, others soon, unless data go back before. */
function scheduleAck(tcp: TcpConnection): void {
  if (ahead(tcp.rcvNxt, tcp.lastAcked) >= 2 * tcp.peerMss) tcp.ackNow = true;
  tcp.ackPending = true;
  if (tcp.ackAt === Infinity) tcp.ackAt = tcp.environment.now() + DELAYED_ACK_NS;
}

/** The peer sends no more. */
function takeFin(tcp: TcpConnection): void {
  tcp.rcvNxt = advance(tcp.rcvNxt, 1);
  tcp.finReceived = true;
  tcp.ackNow = true;
  tcp.events |= EVENT_READABLE | EVENT_STATE;
  switch (tcp.state) {
    case 'established':
      tcp.state = 'close-wait';
      return;
    case 'fin-wait-1':
      tcp.state = 'closing';
      return;
    case 'fin-wait-2':
      enterTimeWait(tcp);
      return;
    default:
  }
}

/** The side that closes first waits until no segment of the connection can be under way any more. */
function enterTimeWait(tcp: TcpConnection): void {
  tcp.state = 'time-wait';
  tcp.freeSendRing();
  tcp.retransmitAt = tcp.persistAt = tcp.keepAliveAt = Infinity;
  tcp.endAt = tcp.environment.now() + TIME_WAIT_NS;
  tcp.events |= EVENT_STATE;
}
