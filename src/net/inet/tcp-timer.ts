/** What time does to a connection: sending again, probing, giving up. RFC 6298, RFC 1122 sections 4.2.2.17 and 4.2.3.6. */
import { ETIMEDOUT } from '../../uapi/errno.js';
import { EVENT_WRITABLE, type TcpConnection } from './tcp-connection.js';
import { output, probe, retransmit, sendAck, sendKeepAlive, sendReset } from './tcp-output.js';

/** net.ipv4.tcp_retries2, tcp_synack_retries, tcp_orphan_retries. */
const RETRIES = 15;
const ANSWER_RETRIES = 5;
const ORPHAN_RETRIES = 8;

/** Does what is due. Call it at `deadline` or later. */
export function clock(tcp: TcpConnection): void {
  const now = tcp.environment.now();
  if (tcp.ackAt <= now) {
    // The answer did not come in time: from now on acknowledgements do not wait for one.
    tcp.pingPong = false;
    sendAck(tcp);
  }
  if (tcp.endAt <= now) {
    tcp.finish();
    return;
  }
  if (tcp.retransmitAt <= now) timeOut(tcp, now);
  if (tcp.persistAt <= now) persist(tcp, now);
  if (tcp.keepAliveAt <= now) keepAlive(tcp, now);
}

function timeOut(tcp: TcpConnection, now: number): void {
  if (tcp.retransmits === 0) tcp.retransmittingSince = now;
  if (isHopeless(tcp, now)) {
    giveUp(tcp);
    return;
  }
  const { congestion, roundTrip } = tcp;
  congestion.timedOut(tcp.inFlight, tcp.retransmits === 0);
  tcp.duplicateAcks = 0;
  roundTrip.backoff++;
  // All that was under way counts as lost, and is sent again as the window opens.
  if (!tcp.sndUnaIsSyn) tcp.sndNxt = tcp.sndUna;
  retransmit(tcp);
  tcp.retransmitAt = now + roundTrip.timeout;
}

function isHopeless(tcp: TcpConnection, now: number): boolean {
  if (tcp.userTimeout > 0) return tcp.retransmits > 0 && now - tcp.retransmittingSince >= tcp.userTimeout;
  switch (tcp.state) {
    case 'syn-sent':
      return tcp.retransmits >= tcp.synCount;
    case 'syn-received':
      return tcp.retransmits >= ANSWER_RETRIES;
    default:
      return tcp.retransmits >= (tcp.orphaned ? ORPHAN_RETRIES : RETRIES);
  }
}

function giveUp(tcp: TcpConnection): void {
  tcp.finish(ETIMEDOUT);
}

function persist(tcp: TcpConnection, now: number): void {
  if (tcp.sndWnd > 0) {
    // What was held back, for TCP_CORK or because the window is small, goes after a while all the same.
    tcp.persistAt = Infinity;
    tcp.impatient = true;
    output(tcp);
    tcp.impatient = false;
    return;
  }
  if (
    tcp.probes >= (tcp.orphaned ? ORPHAN_RETRIES : RETRIES) &&
    tcp.lastReceivedAt < now - tcp.roundTrip.maximum
  ) {
    giveUp(tcp);
    return;
  }
  tcp.probes++;
  tcp.roundTrip.backoff = Math.min(tcp.roundTrip.backoff + 1, 15);
  probe(tcp);
  tcp.persistAt = now + tcp.roundTrip.timeout;
}

function keepAlive(tcp: TcpConnection, now: number): void {
  // Data under way ask the peer already.
  if (tcp.inFlight > 0 || tcp.sendRing.used > 0) {
    tcp.keepAliveAt = now + tcp.keepIdle;
    return;
  }
  const quiet = now - tcp.lastReceivedAt;
  if (quiet < tcp.keepIdle) {
    tcp.keepAliveAt = tcp.lastReceivedAt + tcp.keepIdle;
    return;
  }
  if (tcp.keepAliveProbes >= tcp.keepCount) {
    sendReset(tcp);
    giveUp(tcp);
    return;
  }
  tcp.keepAliveProbes++;
  sendKeepAlive(tcp);
  tcp.keepAliveAt = now + tcp.keepInterval;
}

/** The program sends no more: the FIN goes out behind what is left. */
export function closeSending(tcp: TcpConnection): void {
  if (tcp.finQueued) return;
  if (tcp.state === 'syn-sent') {
    tcp.finish();
    return;
  }
  tcp.finQueued = true;
  tcp.corked = false;
  if (tcp.state === 'established') tcp.state = 'fin-wait-1';
  else if (tcp.state === 'close-wait') tcp.state = 'last-ack';
  tcp.events |= EVENT_WRITABLE;
  output(tcp);
}

/** Breaks it off. */
export function abort(tcp: TcpConnection): void {
  if (tcp.synchronized && tcp.state !== 'time-wait') sendReset(tcp);
  tcp.finish();
}
