/**
 * The standard line discipline, N_TTY: line editing, echo, signals from characters, output processing. termios(3), and
 * POSIX.1-2017 chapter 11. It has no idea of files or tasks: bytes come in by `receive`, lines go out by `take`.
 */
import { SIGINT, SIGQUIT, SIGTSTP } from '../../uapi/signal.js';
import {
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  ECHONL,
  ECHOPRT,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNCR,
  IMAXBEL,
  INLCR,
  ISIG,
  ISTRIP,
  IUCLC,
  IUTF8,
  IXANY,
  IXON,
  NOFLSH,
  OCRNL,
  OLCUC,
  ONLCR,
  ONLRET,
  ONOCR,
  OPOST,
  TABDLY,
  VEOF,
  VEOL,
  VEOL2,
  VERASE,
  VINTR,
  VKILL,
  VLNEXT,
  VQUIT,
  VREPRINT,
  VSTART,
  VSTOP,
  VSUSP,
  VWERASE,
  XTABS,
  _POSIX_VDISABLE,
} from '../../uapi/termios.js';
import type { Termios } from './termios.js';

/** What the discipline asks of its terminal. */
export interface DisciplineHost {
  readonly termios: Termios;
  /** Output of echo: must not fail; what does not fit waits. */
  echo(bytes: readonly number[]): void;
  /** A signal for the foreground process group. */
  signalForeground(signal: number): void;
  /** Drops input and output on a signal character without NOFLSH. */
  flushForSignal(): void;
  stopOutput(): void;
  startOutput(): void;
  readonly outputStopped: boolean;
  /** Readers may find something. */
  inputReady(): void;
}

const SIZE = 4096;
/** Marks in `marks`: the character ends a line; it is an end-of-file and not part of the line. */
const LINE_END = 1;
const END_OF_FILE = 2;

const NL = 10;
const CR = 13;
const TAB = 9;
const BS = 8;
const BELL = 7;

export class NTty {
  private readonly bytes = new Uint8Array(SIZE);
  private readonly marks = new Uint8Array(SIZE);
  /** Positions count up for ever; the slot is position % SIZE. Readers are at `tail`, input at `head`. */
  private head = 0;
  private tail = 0;
  /** End of the last complete line. */
  private lineHead = 0;
  private literalNext = false;
  /** Output column, for tabs and for erasing them. */
  private column = 0;
  /** Column at which the line being edited began. */
  private lineColumn = 0;

  constructor(private readonly host: DisciplineHost) {}

  private has(flag: number): boolean {
    return (this.host.termios.lflag & flag) !== 0;
  }

  private is(c: number, index: number): boolean {
    const control = this.host.termios.cc[index];
    return c === control && control !== _POSIX_VDISABLE;
  }

  get canonical(): boolean {
    return this.has(ICANON);
  }

  /** Bytes that a read could have now: in canonical mode, only complete lines. */
  get available(): number {
    return (this.canonical ? this.lineHead : this.head) - this.tail;
  }

  get used(): number {
    return this.head - this.tail;
  }

  /** Takes input; returns how many bytes of it. Fewer when the buffer is full and a reader must come first. */
  receive(input: Uint8Array): number {
    const before = this.available;
    let count = 0;
    for (; count < input.length; count++) {
      // A full buffer without a complete line would never empty: then further characters are dropped instead.
      if (this.used >= SIZE - 1 && !(this.canonical && this.lineHead === this.tail)) break;
      this.receiveByte(input[count]);
    }
    if (this.available > before || this.available > 0) this.host.inputReady();
    return count;
  }

  private receiveByte(byte: number): void {
    const { iflag, lflag } = this.host.termios;
    let c = byte;
    if (this.literalNext) {
      this.literalNext = false;
      this.add(c, 0);
      this.echoCharacter(c);
      return;
    }
    if ((iflag & ISTRIP) !== 0) c &= 0x7f;
    if ((iflag & IUCLC) !== 0 && (lflag & IEXTEN) !== 0 && c >= 65 && c <= 90) c += 32;
    if ((iflag & IXON) !== 0) {
      if (this.is(c, VSTART)) {
        this.host.startOutput();
        return;
      }
      if (this.is(c, VSTOP)) {
        this.host.stopOutput();
        return;
      }
      if (this.host.outputStopped && (iflag & IXANY) !== 0) this.host.startOutput();
    }
    if ((lflag & ISIG) !== 0) {
      const signal = this.is(c, VINTR)
        ? SIGINT
        : this.is(c, VQUIT)
          ? SIGQUIT
          : this.is(c, VSUSP)
            ? SIGTSTP
            : 0;
      if (signal !== 0) {
        this.signal(c, signal);
        return;
      }
    }
    if (c === CR) {
      if ((iflag & IGNCR) !== 0) return;
      if ((iflag & ICRNL) !== 0) c = NL;
    } else if (c === NL && (iflag & INLCR) !== 0) c = CR;

    if ((lflag & ICANON) !== 0) {
      this.edit(c);
      return;
    }
    this.add(c, 0);
    this.echoCharacter(c);
  }

  private signal(c: number, signal: number): void {
    if (!this.has(NOFLSH)) {
      this.flushInput();
      this.host.flushForSignal();
    }
    if (this.host.outputStopped) this.host.startOutput();
    if (this.has(ECHO)) this.echoCharacter(c);
    this.host.signalForeground(signal);
  }

  /** A character of canonical input. */
  private edit(c: number): void {
    const extended = this.has(IEXTEN);
    if (this.is(c, VERASE) || this.is(c, VKILL) || (extended && this.is(c, VWERASE))) {
      this.erase(c);
      return;
    }
    if (extended && this.is(c, VLNEXT)) {
      this.literalNext = true;
      if (this.has(ECHO) && this.has(ECHOCTL)) this.host.echo([0x5e, BS]);
      return;
    }
    if (extended && this.has(ECHO) && this.is(c, VREPRINT)) {
      this.echoCharacter(c);
      this.output(NL);
      for (let position = this.lineHead; position < this.head; position++)
        this.echoCharacter(this.bytes[position % SIZE]);
      return;
    }
    if (c === NL) {
      if (this.has(ECHO) || this.has(ECHONL)) this.output(NL);
      this.add(c, LINE_END);
      return;
    }
    if (this.is(c, VEOF)) {
      this.add(c, LINE_END | END_OF_FILE);
      return;
    }
    if (this.is(c, VEOL) || (extended && this.is(c, VEOL2))) {
      this.echoCharacter(c);
      this.add(c, LINE_END);
      return;
    }
    if (this.used >= SIZE - 2) {
      if ((this.host.termios.iflag & IMAXBEL) !== 0) this.host.echo([BELL]);
      return;
    }
    if (this.has(ECHO) && this.head === this.lineHead) this.lineColumn = this.column;
    this.add(c, 0);
    this.echoCharacter(c);
  }

  private add(c: number, mark: number): void {
    if (this.used >= SIZE) return;
    this.bytes[this.head % SIZE] = c;
    this.marks[this.head % SIZE] = mark;
    this.head++;
    if ((mark & LINE_END) !== 0) this.lineHead = this.head;
  }

  /** ERASE, WERASE and KILL. */
  private erase(c: number): void {
    if (this.head === this.lineHead) return;
    const kill = this.is(c, VKILL);
    const word = !kill && !this.is(c, VERASE);
    if (kill && !(this.has(ECHO) && this.has(ECHOK) && this.has(ECHOKE) && this.has(ECHOE))) {
      this.head = this.lineHead;
      if (this.has(ECHO)) {
        this.echoCharacter(c);
        if (this.has(ECHOK)) this.output(NL);
      }
      return;
    }
    let seenWord = false;
    while (this.head > this.lineHead) {
      let start = this.head - 1;
      // A multi-byte character goes as a whole.
      if ((this.host.termios.iflag & IUTF8) !== 0)
        while (start > this.lineHead && (this.bytes[start % SIZE] & 0xc0) === 0x80) start--;
      const first = this.bytes[start % SIZE];
      if (word) {
        const letter = isWordCharacter(first);
        if (!letter && seenWord) break;
        seenWord ||= letter;
      }
      this.head = start;
      if (this.has(ECHO)) this.echoErased(c, first);
      if (!kill && !word) break;
    }
  }

  private echoErased(c: number, erased: number): void {
    if (!this.has(ECHOE) || this.has(ECHOPRT)) {
      this.echoCharacter(this.has(ECHOPRT) ? erased : c);
      return;
    }
    if (erased === TAB) {
      // Back to where the tab began: what is left of the line tells.
      const target = this.columnAtHead();
      while (this.column > target) this.backspace(false);
      return;
    }
    if (erased < 32 || erased === 127) {
      if (!this.has(ECHOCTL)) return;
      this.backspace(true);
    }
    this.backspace(true);
  }

  private columnAtHead(): number {
    let column = this.lineColumn;
    for (let position = this.lineHead; position < this.head; position++) {
      const c = this.bytes[position % SIZE];
      if (c === TAB) column = (column | 7) + 1;
      else if (c < 32 || c === 127) column += this.has(ECHOCTL) ? 2 : 0;
      else if ((this.host.termios.iflag & IUTF8) === 0 || (c & 0xc0) !== 0x80) column++;
    }
    return column;
  }

  private backspace(blank: boolean): void {
    this.host.echo(blank ? [BS, 32, BS] : [BS]);
    if (this.column > 0) this.column--;
  }

  private echoCharacter(c: number): void {
    if (!this.has(ECHO)) return;
    if (this.has(ECHOCTL) && (c < 32 || c === 127) && c !== TAB && c !== NL) {
      this.host.echo([0x5e, c ^ 0x40]);
      this.column += 2;
    } else this.output(c);
  }

  /** Echoes a character through output processing. */
  private output(c: number): void {
    const out: number[] = [];
    this.process(c, out);
    this.host.echo(out);
  }

  /** Output processing of one character: OPOST and its kin. Appends what is to be sent. */
  process(c: number, out: number[]): void {
    const { oflag } = this.host.termios;
    if ((oflag & OPOST) === 0) {
      out.push(c);
      return;
    }
    switch (c) {
      case NL:
        if ((oflag & ONLCR) !== 0) {
          this.column = 0;
          out.push(CR, NL);
          return;
        }
        if ((oflag & ONLRET) !== 0) this.column = 0;
        break;
      case CR:
        if ((oflag & ONOCR) !== 0 && this.column === 0) return;
        if ((oflag & OCRNL) !== 0) {
          if ((oflag & ONLRET) !== 0) this.column = 0;
          out.push(NL);
          return;
        }
        this.column = 0;
        break;
      case TAB: {
        const spaces = 8 - (this.column & 7);
        this.column += spaces;
        if ((oflag & TABDLY) === XTABS) {
          for (let count = 0; count < spaces; count++) out.push(32);
          return;
        }
        break;
      }
      case BS:
        if (this.column > 0) this.column--;
        break;
      default:
        if (c >= 32 && c !== 127) {
          if ((oflag & OLCUC) !== 0 && c >= 97 && c <= 122) {
            this.column++;
            out.push(c - 32);
            return;
          }
          if ((c & 0xc0) !== 0x80 || (this.host.termios.iflag & IUTF8) === 0) this.column++;
        }
    }
    out.push(c);
  }

  /** Moves up to `into.length` available bytes out; in canonical mode at most one line. An end-of-file moves nothing. */
  take(into: Uint8Array): number {
    if (!this.canonical) {
      const count = Math.min(into.length, this.head - this.tail);
      for (let index = 0; index < count; index++) into[index] = this.bytes[(this.tail + index) % SIZE];
      this.tail += count;
      if (this.lineHead < this.tail) this.lineHead = this.tail;
      return count;
    }
    let count = 0;
    while (this.tail < this.lineHead) {
      const slot = this.tail % SIZE;
      const mark = this.marks[slot];
      if ((mark & END_OF_FILE) !== 0) {
        this.tail++;
        return count;
      }
      if (count === into.length) return count;
      into[count++] = this.bytes[slot];
      this.tail++;
      if ((mark & LINE_END) !== 0) return count;
    }
    return count;
  }

  /** After a read of exactly a line's bytes without its end-of-file mark, that mark must not read as an end of file. */
  skipEndOfFile(): void {
    if (this.canonical && this.tail < this.lineHead && (this.marks[this.tail % SIZE] & END_OF_FILE) !== 0)
      this.tail++;
  }

  flushInput(): void {
    this.tail = this.lineHead = this.head;
    this.literalNext = false;
  }

  /** ICANON was switched: what has been typed so far becomes readable, as Linux does it. */
  modeChanged(wasCanonical: boolean): void {
    if (wasCanonical === this.canonical) return;
    this.lineHead = this.head;
    if (this.canonical && this.head > this.tail) this.marks[(this.head - 1) % SIZE] |= LINE_END;
    this.literalNext = false;
  }
}

/** What ^W counts as a word: letters, digits and underscores, as Linux. */
function isWordCharacter(c: number): boolean {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95 || c >= 0x80;
}
