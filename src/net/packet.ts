/**
 * A packet on its way through the layers: Linux's sk_buff. Going down, each layer writes its header in front of what is
 * there (`push`); coming up, each takes its own off (`pull`). A large body may lie apart from the headers, so that data
 * are not copied once more to stand behind them.
 */
import { assert } from '../lib/assert.js';
import type { NetDevice } from './device.js';

/** Room for the headers of all layers: Ethernet, IPv6 or IPv4 with options, TCP with options. */
const HEADROOM = 192;

const noBytes = new Uint8Array(0);

export class Packet {
  /** Headers, and the data if they are not in `body`. */
  bytes: Uint8Array;
  view: DataView;
  /** Where in `bytes` the layer that has it now begins. */
  start: number;
  /** The end of what counts in `bytes`. */
  end: number;
  /** Data that follow those in `bytes`. */
  body: Uint8Array = noBytes;
  /** ETH_P_* */
  protocol = 0;
  /** Where it came from; undefined until it has been sent or received. */
  device: NetDevice | undefined;
  /** Checksums need not be verified: it has never left the machine. */
  trusted = false;

  private constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.start = start;
    this.end = end;
  }

  /** A packet to be sent, with room for `length` bytes of data at `start`. */
  static outgoing(length: number): Packet {
    return new Packet(new Uint8Array(HEADROOM + length), HEADROOM, HEADROOM + length);
  }

  /** A packet to be sent that holds a copy of these bytes. */
  static of(bytes: Uint8Array): Packet {
    const packet = Packet.outgoing(bytes.length);
    packet.bytes.set(bytes, packet.start);
    return packet;
  }

  /** A packet to be sent whose data stay where they are. They must not change any more. */
  static around(body: Uint8Array): Packet {
    const packet = Packet.outgoing(0);
    packet.body = body;
    return packet;
  }

  /** Bytes that have arrived. */
  static incoming(bytes: Uint8Array): Packet {
    return new Packet(bytes, 0, bytes.length);
  }

  /** All bytes from `start` on, body included. */
  get length(): number {
    return this.end - this.start + this.body.length;
  }

  /** Makes room for a header, and returns where it begins. */
  push(length: number): number {
    this.start -= length;
    assert(this.start >= 0, 'the headers fit in front');
    return this.start;
  }

  /** Takes a header off. */
  pull(length: number): void {
    this.start += length;
    assert(this.start <= this.end, 'no more is taken off than is there');
  }

  /** Cuts it to so many bytes. */
  trim(length: number): void {
    const inFront = this.end - this.start;
    if (length <= inFront) {
      this.end = this.start + length;
      this.body = noBytes;
    } else if (length < this.length) this.body = this.body.subarray(0, length - inFront);
  }

  /** The bytes from `start` on, in one piece. */
  linear(): Uint8Array {
    const { bytes, start, end, body } = this;
    if (body.length === 0) return bytes.subarray(start, end);
    const all = new Uint8Array(end - start + body.length);
    all.set(bytes.subarray(start, end));
    all.set(body, end - start);
    return all;
  }

  /** The data after a header of so many bytes, in one piece. */
  dataAfter(header: number): Uint8Array {
    const { bytes, start, end, body } = this;
    if (start + header === end) return body;
    const front = bytes.subarray(start + header, end);
    if (body.length === 0) return front;
    const all = new Uint8Array(front.length + body.length);
    all.set(front);
    all.set(body, front.length);
    return all;
  }

  /** A copy that shares nothing that changes: headers are copied, the body is not. */
  clone(): Packet {
    const copy = new Packet(this.bytes.slice(), this.start, this.end);
    copy.body = this.body;
    copy.protocol = this.protocol;
    copy.device = this.device;
    copy.trusted = this.trusted;
    return copy;
  }
}
