/** What is sent, and when: RFC 9293 section 3.8, RFC 1122 section 4.2.3, Nagle's algorithm (RFC 896). */
import { TCPHDR_ACK, TCPHDR_FIN, TCPHDR_PSH, TCPHDR_RST, TCPHDR_SYN } from '../../uapi/ip.js';
import { type TcpConnection, WINDOW_MAX, WINDOW_SCALE } from './tcp-connection.js';
import type { SegmentOptions } from './tcp-segment.js';
import { advance, ahead, isAfter, later } from './tcp-sequence.js';

const noData = new Uint8Array(0);
/** Data that follow received ones so soon are the answer to them. */
const PING_PONG_NS = 40_000_000;
/** Room that options take of each segment when there are timestamps. */
const TIMESTAMP_LENGTH = 12;

/** Bytes of data that fit a segment. */
export const segmentRoom = (tcp: TcpConnection): number => tcp.mss - (tcp.timestamps ? TIMESTAMP_LENGTH : 0);

/** Sends whatever may be sent; an acknowledgement that is due goes along, or alone. */
export function output(tcp: TcpConnection): void {
  if (tcp.state === 'closed' || tcp.state === 'syn-sent') return;
  if (tcp.state !== 'syn-received' && tcp.state !== 'time-wait') sendData(tcp);
  if (tcp.ackNow) sendAck(tcp);
}

function sendData(tcp: TcpConnection): void {
  const room = segmentRoom(tcp);
  restartAfterIdle(tcp);
  for (;;) {
    const sent = ahead(tcp.sndNxt, tcp.sndUna);
    const unsent = tcp.sendRing.used - sent;
    const usable = Math.min(tcp.sndWnd, tcp.congestion.window) - sent;
    const length = Math.max(0, Math.min(unsent, usable, room));
    const last = length === unsent;
    // The FIN comes right behind the data; one that was sent before is sent again only by the retransmission timer.
    const fin = last && unsent >= 0 && tcp.finQueued && tcp.state !== 'fin-wait-2';
    if (!fin && length === 0) break;
    if (!fin && !isWorthSending(tcp, length, last, room, sent)) break;
    emitData(tcp, length, fin, last);
    if (fin) break;
  }
  // A window of zero is probed: the segment that opens it may be lost.
  const waits = tcp.sendRing.used > 0 && tcp.inFlight === 0 && tcp.retransmitAt === Infinity;
  if (!waits) tcp.persistAt = Infinity;
  else if (tcp.persistAt === Infinity) tcp.persistAt = tcp.environment.now() + tcp.roundTrip.timeout;
}

/** Small segments are held back while others are under way, unless the program does not want that. */
function isWorthSending(
  tcp: TcpConnection,
  length: number,
  last: boolean,
  room: number,
  sent: number,
): boolean {
  if (length === room || tcp.impatient) return true;
  if (last && !tcp.corked && (tcp.noDelay || sent === 0)) return true;
  // As much as the peer has ever taken at once, by half.
  if (length * 2 >= tcp.maxSndWnd && tcp.maxSndWnd > 0) return true;
  // What is sent again has waited long enough.
  return isAfter(tcp.sndMax, tcp.sndNxt);
}

/** Sends `length` bytes from sndNxt on, and the FIN if it is due. */
function emitData(tcp: TcpConnection, length: number, fin: boolean, last: boolean): void {
  const { sndNxt } = tcp;
  const data = length === 0 ? noData : tcp.sendRing.slice(ahead(sndNxt, tcp.sndUna), length);
  let flags = TCPHDR_ACK;
  if (fin) flags |= TCPHDR_FIN;
  if (last && length > 0) flags |= TCPHDR_PSH;
  const now = tcp.environment.now();
  const end = advance(sndNxt, length + (fin ? 1 : 0));
  if (tcp.timedSeq === undefined && !isAfter(tcp.sndMax, sndNxt)) {
    tcp.timedSeq = end;
    tcp.timedAt = now;
  }
  tcp.sndNxt = end;
  tcp.sndMax = later(tcp.sndMax, end);
  if (tcp.retransmitAt === Infinity) tcp.retransmitAt = now + tcp.roundTrip.timeout;
  if (now - tcp.lastReceivedAt < PING_PONG_NS) tcp.pingPong = true;
  tcp.lastSentAt = now;
  emit(tcp, sndNxt, flags, data);
}

function restartAfterIdle(tcp: TcpConnection): void {
  if (tcp.inFlight === 0 && tcp.environment.now() - tcp.lastSentAt > tcp.roundTrip.timeout)
    tcp.congestion.idle();
}

/** Sends the first segment that is not acknowledged once more. */
export function retransmit(tcp: TcpConnection): void {
  tcp.retransmits++;
  // Its acknowledgement could be for either of the two: RFC 6298 calls this Karn's algorithm.
  tcp.timedSeq = undefined;
  if (tcp.sndUnaIsSyn) {
    sendSyn(tcp);
    return;
  }
  const sent = ahead(tcp.sndMax, tcp.sndUna);
  const length = Math.min(tcp.sendRing.used, segmentRoom(tcp), sent, Math.max(tcp.sndWnd, 1));
  const fin = tcp.finQueued && length === tcp.sendRing.used && sent > length;
  const flags = TCPHDR_ACK | (fin ? TCPHDR_FIN : 0) | (length > 0 ? TCPHDR_PSH : 0);
  const data = length === 0 ? noData : tcp.sendRing.slice(0, length);
  tcp.sndNxt = later(tcp.sndNxt, advance(tcp.sndUna, length + (fin ? 1 : 0)));
  emit(tcp, tcp.sndUna, flags, data);
}

/** One byte, or the FIN, into a window of zero: RFC 9293, section 3.8.6.1. */
export function probe(tcp: TcpConnection): void {
  const sent = ahead(tcp.sndNxt, tcp.sndUna);
  if (sent === 0 && tcp.sendRing.used > 0) {
    const data = tcp.sendRing.slice(0, 1);
    tcp.sndMax = later(tcp.sndMax, advance(tcp.sndUna, 1));
    emit(tcp, tcp.sndUna, TCPHDR_ACK, data);
  } else sendKeepAlive(tcp);
}

/** An old byte, which makes the peer tell where it is. */
export function sendKeepAlive(tcp: TcpConnection): void {
  emit(tcp, advance(tcp.sndUna, -1), TCPHDR_ACK, noData);
}

export function sendAck(tcp: TcpConnection): void {
  emit(tcp, tcp.sndNxt, TCPHDR_ACK, noData);
}

/** SYN, or SYN with ACK. */
export function sendSyn(tcp: TcpConnection): void {
  const answer = tcp.state === 'syn-received';
  const { mss } = tcp.settings;
  const now = tcp.environment.now();
  tcp.sndNxt = tcp.sndMax = advance(tcp.sndUna, 1);
  if (tcp.retransmits === 0) {
    tcp.timedSeq = tcp.sndNxt;
    tcp.timedAt = now;
  }
  tcp.retransmitAt = now + tcp.roundTrip.timeout;
  const options: SegmentOptions = {
    mss,
    // An answer has only what was offered.
    windowScale: !answer || tcp.rcvScale > 0 ? WINDOW_SCALE : undefined,
    sackPermitted: !answer || tcp.sack,
    timestamp: !answer || tcp.timestamps ? tcp.timestamp : undefined,
    timestampEcho: tcp.timestampRecent,
  };
  const window = Math.min(tcp.receiveRing.capacity, 0xffff);
  tcp.segmentsOut++;
  tcp.rcvAdv = advance(tcp.rcvNxt, window);
  tcp.environment.transmit(tcp, {
    seq: tcp.sndUna,
    ack: tcp.rcvNxt,
    flags: TCPHDR_SYN | (answer ? TCPHDR_ACK : 0),
    window,
    data: noData,
    options,
  });
}

/** Breaks the connection off. */
export function sendReset(tcp: TcpConnection): void {
  emit(tcp, tcp.sndNxt, TCPHDR_RST | TCPHDR_ACK, noData);
}

function emit(tcp: TcpConnection, seq: number, flags: number, data: Uint8Array): void {
  const window = selectWindow(tcp);
  tcp.rcvAdv = later(tcp.rcvAdv, advance(tcp.rcvNxt, window));
  // Every segment acknowledges.
  tcp.ackNow = tcp.ackPending = false;
  tcp.ackAt = Infinity;
  tcp.lastAcked = tcp.rcvNxt;
  tcp.segmentsOut++;
  const blocks = tcp.sack && !tcp.outOfOrder.empty ? tcp.outOfOrder.blocks() : undefined;
  tcp.environment.transmit(tcp, {
    seq,
    ack: tcp.rcvNxt,
    flags,
    window: window >>> tcp.rcvScale,
    data,
    options: tcp.timestamps
      ? { timestamp: tcp.timestamp, timestampEcho: tcp.timestampRecent, sack: blocks }
      : { sack: blocks },
  });
}

/**
 * The window to tell. It never shrinks; and it grows only by steps that are worth a segment, or the peer would send tiny
 * ones: RFC 9293, section 3.8.6.2.2.
 */
export function selectWindow(tcp: TcpConnection): number {
  const { receiveRing } = tcp;
  const known = Math.max(0, ahead(tcp.rcvAdv, tcp.rcvNxt));
  const limit = tcp.rcvScale > 0 ? WINDOW_MAX : 0xffff;
  const free = Math.min(receiveRing.free, limit);
  const step = Math.min(receiveRing.capacity / 2, tcp.peerMss);
  if (free < known + step && free < receiveRing.capacity) return known;
  // A multiple of the unit, or it would be cut.
  return Math.max(known, (free >>> tcp.rcvScale) << tcp.rcvScale);
}

/** The program has read: the peer gets to know if that makes a difference to it. */
export function afterRead(tcp: TcpConnection): void {
  if (!tcp.synchronized || tcp.state === 'time-wait') return;
  const known = Math.max(0, ahead(tcp.rcvAdv, tcp.rcvNxt));
  const free = selectWindow(tcp);
  const opens = free > 0 && free >= 2 * known && known * 2 <= tcp.receiveRing.capacity;
  const quiet = tcp.ackPending && !tcp.pingPong && tcp.receiveRing.used === 0;
  const behind = ahead(tcp.rcvNxt, tcp.lastAcked) > tcp.peerMss && tcp.ackPending;
  if (opens || quiet || behind) tcp.ackNow = true;
  if (tcp.ackNow) output(tcp);
}
