/**
 * The server's side of the telnet protocol, as a transformation of bytes: RFC 854 and 855, ECHO (857), SUPPRESS-GO-AHEAD
 * (858), BINARY (856), NAWS (1073). We echo, and take characters as they are typed; the client tells its window's size.
 */
import type { ChannelSize } from './channel.js';

export const IAC = 255;
export const DONT = 254;
export const DO = 253;
export const WONT = 252;
export const WILL = 251;
export const SB = 250;
export const SE = 240;
const EL = 248;
const EC = 247;
const AYT = 246;
const IP = 244;
const BRK = 243;
const EOF = 236;

export const BINARY = 0;
export const ECHO = 1;
export const SGA = 3;
export const NAWS = 31;

/** Options that we can have on, and that we want of the client. */
const ours: readonly number[] = [ECHO, SGA, BINARY];
const theirs: readonly number[] = [NAWS, SGA, BINARY];
/** What commands of the network's virtual terminal type: the usual characters of termios. */
const keys = new Map([
  [IP, 3],
  [BRK, 3],
  [EC, 0x7f],
  [EL, 0x15],
  [EOF, 4],
]);

const CR = 13;
const LF = 10;
const NUL = 0;
const SUBNEGOTIATION_LIMIT = 64;

type State = 'data' | 'return' | 'command' | 'option' | 'subnegotiation' | 'subnegotiation-command';

export class Telnet {
  /** The client's window; undefined before it has told. */
  size: ChannelSize | undefined;
  /** Answers that are to be sent. */
  private replies: number[] = [];
  private state: State = 'data';
  private verb = 0;
  private subnegotiation: number[] = [];
  /** Options that we have on, and that the client has on; and those that we have asked for without an answer yet. */
  private readonly weDo = new Set<number>();
  private readonly theyDo = new Set<number>();
  private readonly offered = new Set<number>([ECHO, SGA, BINARY]);
  private readonly asked = new Set<number>([NAWS, BINARY]);
  /** A carriage return went out last: outside of binary mode a line feed or a NUL follows. */
  private afterReturn = false;

  constructor() {
    for (const option of this.offered) this.replies.push(IAC, WILL, option);
    for (const option of this.asked) this.replies.push(IAC, DO, option);
  }

  /** What is to be sent apart from data: each byte once. */
  takeReplies(): Uint8Array {
    const bytes = Uint8Array.from(this.replies);
    this.replies = [];
    return bytes;
  }

  /** Decodes what has come, in place: returns how many bytes of data are now at the beginning of `bytes`. */
  receive(bytes: Uint8Array): number {
    let count = 0;
    for (const byte of bytes) {
      const data = this.step(byte);
      if (data >= 0) bytes[count++] = data;
    }
    return count;
  }

  /** A byte of data, or -1. */
  private step(byte: number): number {
    switch (this.state) {
      case 'return':
        this.state = 'data';
        // The return has been passed on; the other half of the line's end says nothing more.
        if (byte === NUL || byte === LF) return -1;
        return this.plain(byte);
      case 'data':
        return this.plain(byte);
      case 'command':
        return this.command(byte);
      case 'option':
        this.state = 'data';
        this.negotiate(this.verb, byte);
        return -1;
      case 'subnegotiation':
        if (byte === IAC) this.state = 'subnegotiation-command';
        else this.collect(byte);
        return -1;
      case 'subnegotiation-command':
        this.state = byte === SE ? 'data' : 'subnegotiation';
        if (byte === SE) this.subnegotiated();
        else if (byte === IAC) this.collect(byte);
        return -1;
      default:
        return this.state satisfies never;
    }
  }

  private plain(byte: number): number {
    if (byte === IAC) {
      this.state = 'command';
      return -1;
    }
    if (byte === CR && !this.theyDo.has(BINARY)) this.state = 'return';
    return byte;
  }

  private command(byte: number): number {
    this.state = 'data';
    if (byte === IAC) return IAC;
    if (byte >= WILL) {
      this.verb = byte;
      this.state = 'option';
    } else if (byte === SB) {
      this.subnegotiation = [];
      this.state = 'subnegotiation';
    } else if (byte === AYT) {
      for (const character of '\r\n[Yes]\r\n') this.replies.push(character.charCodeAt(0));
    }
    return keys.get(byte) ?? -1;
  }

  private negotiate(verb: number, option: number): void {
    if (verb === DO || verb === DONT)
      this.settle(verb === DO, option, ours, this.weDo, this.offered, WILL, WONT);
    else this.settle(verb === WILL, option, theirs, this.theyDo, this.asked, DO, DONT);
  }

  /** Answers only what changes something: two that answer everything never come to an end. */
  private settle(
    on: boolean,
    option: number,
    known: readonly number[],
    enabled: Set<number>,
    pending: Set<number>,
    yes: number,
    no: number,
  ): void {
    const isAnswer = pending.delete(option);
    if (on && !known.includes(option)) {
      this.replies.push(IAC, no, option);
      return;
    }
    if (on === enabled.has(option)) return;
    if (on) enabled.add(option);
    else enabled.delete(option);
    if (!isAnswer) this.replies.push(IAC, on ? yes : no, option);
  }

  private collect(byte: number): void {
    if (this.subnegotiation.length < SUBNEGOTIATION_LIMIT) this.subnegotiation.push(byte);
  }

  private subnegotiated(): void {
    const [option, columnsHigh, columns, rowsHigh, rows] = this.subnegotiation;
    if (option !== NAWS || this.subnegotiation.length !== 5) return;
    this.size = { rows: rowsHigh * 256 + rows, columns: columnsHigh * 256 + columns };
  }

  /** Encodes data for sending. */
  send(bytes: Uint8Array): Uint8Array {
    const out: number[] = [];
    const binary = this.weDo.has(BINARY);
    for (const byte of bytes) {
      if (this.afterReturn && byte !== LF) out.push(NUL);
      this.afterReturn = byte === CR && !binary;
      out.push(byte);
      if (byte === IAC) out.push(IAC);
    }
    return Uint8Array.from(out);
  }
}
