/** Netlink messages as bytes: netlink(7). Headers and attributes begin at multiples of 4. */
import { nameFromBytes, nameToBytes, type Name } from '../../lib/names.js';
import { EINVAL } from '../../uapi/errno.js';
import {
  NLA_ALIGN,
  NLA_HDRLEN,
  NLA_TYPE_MASK,
  nlattr,
  NLMSG_ALIGN,
  NLMSG_HDRLEN,
  nlmsghdr,
} from '../../uapi/netlink.js';

/** A request as it came. */
export interface NetlinkMessage {
  readonly type: number;
  /** NLM_F_* */
  readonly flags: number;
  readonly sequence: number;
  /** The whole message, header included. */
  readonly bytes: Uint8Array;
  /** What follows the header. */
  readonly payload: Uint8Array;
}

/** The messages in what a program has sent. A malformed one ends it: there is nobody to tell. */
export function* messagesIn(bytes: Uint8Array): IterableIterator<NetlinkMessage> {
  const view = viewOf(bytes);
  for (let at = 0; bytes.length - at >= NLMSG_HDRLEN;) {
    const { nlmsg_len, nlmsg_type, nlmsg_flags, nlmsg_seq } = nlmsghdr.read(view, at);
    if (nlmsg_len < NLMSG_HDRLEN || nlmsg_len > bytes.length - at) return;
    const message = bytes.subarray(at, at + nlmsg_len);
    yield {
      type: nlmsg_type,
      flags: nlmsg_flags,
      sequence: nlmsg_seq,
      bytes: message,
      payload: message.subarray(NLMSG_HDRLEN),
    };
    at += NLMSG_ALIGN(nlmsg_len);
  }
}

/** The structure that a payload begins with; what is missing of it counts as zero. EINVAL when it is not even begun. */
export function headOf(payload: Uint8Array, size: number): Uint8Array {
  if (payload.length >= size) return payload;
  if (payload.length === 0) throw EINVAL;
  const whole = new Uint8Array(size);
  whole.set(payload);
  return whole;
}

export class Attributes {
  private readonly byType = new Map<number, Uint8Array>();

  /** Of several of a type the last counts. EINVAL for one that is too long. */
  constructor(bytes: Uint8Array) {
    const view = viewOf(bytes);
    for (let at = 0; bytes.length - at >= NLA_HDRLEN;) {
      const { nla_len, nla_type } = nlattr.read(view, at);
      if (nla_len < NLA_HDRLEN || nla_len > bytes.length - at) throw EINVAL;
      this.byType.set(nla_type & NLA_TYPE_MASK, bytes.subarray(at + NLA_HDRLEN, at + nla_len));
      at += NLA_ALIGN(nla_len);
    }
  }

  /** Those that follow a payload's structure. */
  static after(payload: Uint8Array, size: number): Attributes {
    return new Attributes(payload.subarray(NLMSG_ALIGN(size)));
  }

  has(type: number): boolean {
    return this.byType.has(type);
  }
  bytes(type: number): Uint8Array | undefined {
    return this.byType.get(type);
  }
  u32(type: number): number | undefined {
    const value = this.byType.get(type);
    if (value === undefined) return undefined;
    if (value.length < 4) throw EINVAL;
    return viewOf(value).getUint32(0, true);
  }
  u8(type: number): number | undefined {
    const value = this.byType.get(type);
    if (value === undefined) return undefined;
    if (value.length < 1) throw EINVAL;
    return value[0];
  }
  text(type: number): Name | undefined {
    const value = this.byType.get(type);
    if (value === undefined) return undefined;
    const end = value.indexOf(0);
    return nameFromBytes(value, 0, end < 0 ? value.length : end);
  }
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Puts a message together: its structure, then attributes. The header comes last, when it is sent. */
export class MessageBuilder {
  private bytes = new Uint8Array(256);
  private used = NLMSG_HDRLEN;

  constructor(
    readonly type: number,
    head: Uint8Array,
  ) {
    this.append(head);
  }

  private append(bytes: Uint8Array): void {
    const start = NLMSG_ALIGN(this.used);
    const end = start + bytes.length;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.bytes.length * 2, end + 128));
      larger.set(this.bytes.subarray(0, this.used));
      this.bytes = larger;
    }
    this.bytes.set(bytes, start);
    this.used = end;
  }

  add(type: number, value: Uint8Array): this {
    this.append(nlattr.encode({ nla_len: NLA_HDRLEN + value.length, nla_type: type }));
    this.append(value);
    return this;
  }
  u8(type: number, value: number): this {
    return this.add(type, new Uint8Array([value]));
  }
  u32(type: number, value: number): this {
    return this.add(type, new Uint8Array(new Uint32Array([value]).buffer));
  }
  /** With its NUL. */
  text(type: number, value: Name): this {
    return this.add(type, nameToBytes(`${value}\0`));
  }
  /** Attributes inside an attribute. */
  nest(type: number, fill: (inner: MessageBuilder) => void): this {
    const inner = new MessageBuilder(0, new Uint8Array(0));
    fill(inner);
    return this.add(type, inner.bytes.subarray(NLMSG_HDRLEN, inner.used));
  }

  /** The message. `to`: the address of whom it is for, as it stands in the header of what answers it. */
  finish(flags: number, sequence: number, to: number): Uint8Array {
    const length = NLMSG_ALIGN(this.used);
    const header = { nlmsg_len: length, nlmsg_type: this.type, nlmsg_flags: flags };
    this.bytes.set(nlmsghdr.encode({ ...header, nlmsg_seq: sequence, nlmsg_pid: to }));
    return this.bytes.slice(0, length);
  }
}
