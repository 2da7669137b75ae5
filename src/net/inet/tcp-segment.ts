/** TCP segments as values, and as bytes. RFC 9293; options of RFC 7323 (window scale, timestamps) and RFC 2018 (SACK). */
import { TCPHDR_FIN, TCPHDR_SYN, tcphdr } from '../../uapi/ip.js';
import type { Packet } from '../packet.js';

export interface Segment {
  readonly seq: number;
  readonly ack: number;
  /** TCPHDR_* */
  readonly flags: number;
  /** As it stands in the header: unscaled. */
  readonly window: number;
  readonly data: Uint8Array;
  readonly options: SegmentOptions;
}

export interface SegmentOptions {
  readonly mss?: number | undefined;
  readonly windowScale?: number | undefined;
  readonly sackPermitted?: boolean;
  readonly timestamp?: number | undefined;
  readonly timestampEcho?: number | undefined;
  /** Pairs: where a block that has arrived out of order begins, and where it ends. */
  readonly sack?: readonly (readonly [from: number, to: number])[] | undefined;
}

const HEADER = tcphdr.size;
const KIND_END = 0;
const KIND_NOP = 1;
const KIND_MSS = 2;
const KIND_WINDOW_SCALE = 3;
const KIND_SACK_PERMITTED = 4;
const KIND_SACK = 5;
const KIND_TIMESTAMPS = 8;
/** As many blocks as fit beside timestamps. */
const SACK_MAX = 3;

const { seq, ack_seq, doff, flags, window } = tcphdr.field;

/** What it takes of the sequence space: its data, and one each for SYN and FIN. */
export function segmentLength({ flags: bits, data }: Segment): number {
  return data.length + ((bits & TCPHDR_SYN) !== 0 ? 1 : 0) + ((bits & TCPHDR_FIN) !== 0 ? 1 : 0);
}

const noOptions: SegmentOptions = {};

/** Undefined when it is malformed. The ports have been read already. */
export function parseSegment(packet: Packet): Segment | undefined {
  const { view, start, end } = packet;
  if (end - start < HEADER) return undefined;
  const headerLength = (doff.get(view, start) >> 4) * 4;
  if (headerLength < HEADER || headerLength > end - start) return undefined;
  return {
    seq: seq.get(view, start),
    ack: ack_seq.get(view, start),
    flags: flags.get(view, start),
    window: window.get(view, start),
    data: packet.dataAfter(headerLength),
    options: headerLength === HEADER ? noOptions : parseOptions(view, start + HEADER, start + headerLength),
  };
}

function parseOptions(view: DataView, start: number, end: number): SegmentOptions {
  const options: { -readonly [K in keyof SegmentOptions]: SegmentOptions[K] } = {};
  for (let at = start; at < end;) {
    const kind = view.getUint8(at);
    if (kind === KIND_END) break;
    if (kind === KIND_NOP) {
      at++;
      continue;
    }
    const length = at + 1 < end ? view.getUint8(at + 1) : 0;
    if (length < 2 || at + length > end) break;
    if (kind === KIND_MSS && length === 4) options.mss = view.getUint16(at + 2);
    else if (kind === KIND_WINDOW_SCALE && length === 3)
      options.windowScale = Math.min(view.getUint8(at + 2), 14);
    else if (kind === KIND_SACK_PERMITTED && length === 2) options.sackPermitted = true;
    else if (kind === KIND_TIMESTAMPS && length === 10) {
      options.timestamp = view.getUint32(at + 2);
      options.timestampEcho = view.getUint32(at + 6);
    } else if (kind === KIND_SACK && length >= 10 && (length - 2) % 8 === 0) {
      const blocks: [number, number][] = [];
      for (let block = at + 2; block < at + length; block += 8)
        blocks.push([view.getUint32(block), view.getUint32(block + 4)]);
      options.sack = blocks;
    }
    at += length;
  }
  return options;
}

/** Bytes that options take, padded to a multiple of 4. */
export function optionsLength({ mss, windowScale, sackPermitted, timestamp, sack }: SegmentOptions): number {
  let length = 0;
  if (mss !== undefined) length += 4;
  if (windowScale !== undefined) length += 4;
  if (sackPermitted === true) length += 4;
  if (timestamp !== undefined) length += 12;
  if (sack !== undefined && sack.length > 0) length += 4 + Math.min(sack.length, SACK_MAX) * 8;
  return length;
}

/** Puts the header in front of the data of a packet. Checksum and urgent pointer are zero. */
export function putHeader(
  packet: Packet,
  segment: Segment,
  sourcePort: number,
  destinationPort: number,
): void {
  const { options } = segment;
  const length = HEADER + optionsLength(options);
  const at = packet.push(length);
  const { view } = packet;
  tcphdr.field.source.set(view, at, sourcePort);
  tcphdr.field.dest.set(view, at, destinationPort);
  seq.set(view, at, segment.seq);
  ack_seq.set(view, at, segment.ack);
  doff.set(view, at, (length / 4) << 4);
  flags.set(view, at, segment.flags);
  window.set(view, at, segment.window);
  tcphdr.field.check.set(view, at, 0);
  tcphdr.field.urg_ptr.set(view, at, 0);
  if (length > HEADER) putOptions(view, at + HEADER, options);
}

/** Each is padded in front, so that its numbers are aligned. */
function putOptions(view: DataView, start: number, options: SegmentOptions): void {
  let at = start;
  const { mss, windowScale, sackPermitted, timestamp, timestampEcho, sack } = options;
  if (mss !== undefined) {
    view.setUint32(at, (KIND_MSS << 24) | (4 << 16) | mss);
    at += 4;
  }
  if (sackPermitted === true) {
    view.setUint32(at, (KIND_NOP << 24) | (KIND_NOP << 16) | (KIND_SACK_PERMITTED << 8) | 2);
    at += 4;
  }
  if (timestamp !== undefined) {
    view.setUint32(at, (KIND_NOP << 24) | (KIND_NOP << 16) | (KIND_TIMESTAMPS << 8) | 10);
    view.setUint32(at + 4, timestamp);
    view.setUint32(at + 8, timestampEcho ?? 0);
    at += 12;
  }
  if (windowScale !== undefined) {
    view.setUint32(at, (KIND_NOP << 24) | (KIND_WINDOW_SCALE << 16) | (3 << 8) | windowScale);
    at += 4;
  }
  if (sack === undefined || sack.length === 0) return;
  const blocks = sack.slice(0, SACK_MAX);
  view.setUint32(at, (KIND_NOP << 24) | (KIND_NOP << 16) | (KIND_SACK << 8) | (2 + blocks.length * 8));
  at += 4;
  for (const [from, to] of blocks) {
    view.setUint32(at, from);
    view.setUint32(at + 4, to);
    at += 8;
  }
}
