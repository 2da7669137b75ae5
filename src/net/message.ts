/** What send and receive calls hand to a socket: the parts of struct msghdr. send(2), recv(2), cmsg(3). */
import type { Task } from '../kernel/task.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import { EFAULT } from '../uapi/errno.js';
import { CMSG_LEN, CMSG_SPACE, cmsghdr, MSG_CTRUNC } from '../uapi/socket.js';

export class SendRequest {
  constructor(
    readonly data: IoBuffer,
    /** MSG_* */
    readonly flags: number,
    /** Where to; undefined when the caller gave no address. It may be empty. */
    readonly name?: Uint8Array,
    /** Control messages as they came. */
    readonly control?: Uint8Array,
  ) {}
}

export class ReceiveRequest {
  /** From whom it came; empty when that has no name. */
  name: Uint8Array = nothing;
  /** Bytes received so far. */
  count = 0;
  /** MSG_* that the caller gets to know. */
  resultFlags = 0;

  constructor(
    readonly data: IoBuffer,
    /** MSG_* */
    readonly flags: number,
    /** Where control messages go: undefined when the caller wants none. */
    readonly control?: ControlWriter,
  ) {}
}

const nothing = new Uint8Array(0);

/** Writes control messages straight into user memory: Linux's put_cmsg. */
export class ControlWriter {
  private at: number;
  private room: number;

  constructor(
    private readonly task: Task,
    private readonly address: number,
    length: number,
  ) {
    this.at = address;
    this.room = length;
  }

  /** Bytes written, padding included. */
  get used(): number {
    return this.at - this.address;
  }

  /** How many numbers of 4 bytes fit in the next message. */
  get intsThatFit(): number {
    return this.room <= cmsghdr.size ? 0 : Math.floor((this.room - cmsghdr.size) / 4);
  }

  /** Where the data of the next message go. */
  get dataAddress(): number {
    return this.at + cmsghdr.size;
  }

  /** Writes one message, as much of it as fits. MSG_CTRUNC goes to the request's flags if that is not all. */
  put(request: ReceiveRequest, level: number, type: number, data: Uint8Array): void {
    if (this.room < cmsghdr.size) {
      request.resultFlags |= MSG_CTRUNC;
      return;
    }
    let length = CMSG_LEN(data.length);
    if (this.room < length) {
      request.resultFlags |= MSG_CTRUNC;
      length = this.room;
    }
    const message = new Uint8Array(length);
    message.set(cmsghdr.encode({ cmsg_len: length, cmsg_level: level, cmsg_type: type }));
    message.set(data.subarray(0, length - cmsghdr.size), cmsghdr.size);
    // A bad address loses the message, not the call.
    if (this.tryCopy(this.at, message)) this.advance(CMSG_SPACE(data.length));
  }

  /** Writes the head of a message whose data are in place already. */
  finish(level: number, type: number, dataLength: number): void {
    const head = cmsghdr.encode({ cmsg_len: CMSG_LEN(dataLength), cmsg_level: level, cmsg_type: type });
    if (this.tryCopy(this.at, head)) this.advance(CMSG_SPACE(dataLength));
  }

  tryCopy(address: number, bytes: Uint8Array): boolean {
    try {
      this.task.memory.copyOut(address, bytes);
      return true;
    } catch (error) {
      if (error !== EFAULT) throw error;
      return false;
    }
  }

  private advance(space: number): void {
    const step = Math.min(space, this.room);
    this.at += step;
    this.room -= step;
  }
}
