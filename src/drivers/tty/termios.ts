/** The settings of a terminal: termios(3). Kernel's defaults (tty_std_termios), and the forms that ioctls move. */
import {
  B38400,
  BOTHER,
  CBAUD,
  CBAUDEX,
  CREAD,
  CS8,
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  HUPCL,
  ICANON,
  ICRNL,
  IEXTEN,
  ISIG,
  IXON,
  NCC,
  NCCS,
  ONLCR,
  OPOST,
  termio,
  termios,
  termios2,
  baudRates,
} from '../../uapi/termios.js';

/** INIT_C_CC: ^C ^\ DEL ^U ^D, VTIME 0, VMIN 1, ^Q ^S ^Z, ^R ^O ^W ^V. */
const defaultControl = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];

export class Termios {
  iflag = ICRNL | IXON;
  oflag = OPOST | ONLCR;
  cflag = B38400 | CS8 | CREAD | HUPCL;
  lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
  line = 0;
  cc = Uint8Array.from(defaultControl);
  ispeed = 38400;
  ospeed = 38400;

  clone(): Termios {
    const copy = new Termios();
    Object.assign(copy, this);
    copy.cc = this.cc.slice();
    return copy;
  }

  encode(): Uint8Array {
    return termios.encode(this.record());
  }

  encode2(): Uint8Array {
    return termios2.encode({ ...this.record(), c_ispeed: this.ispeed, c_ospeed: this.ospeed });
  }

  /** The old form, with 16-bit flags and 8 control characters. */
  encodeOld(): Uint8Array {
    const { iflag, oflag, cflag, lflag, line, cc } = this;
    return termio.encode({
      c_iflag: iflag,
      c_oflag: oflag,
      c_cflag: cflag,
      c_lflag: lflag,
      c_line: line,
      c_cc: cc.slice(0, NCC),
    });
  }

  private record(): {
    c_iflag: number;
    c_oflag: number;
    c_cflag: number;
    c_lflag: number;
    c_line: number;
    c_cc: Uint8Array;
  } {
    const { iflag, oflag, cflag, lflag, line, cc } = this;
    return { c_iflag: iflag, c_oflag: oflag, c_cflag: cflag, c_lflag: lflag, c_line: line, c_cc: cc };
  }

  /** The settings in a `struct termios` or `struct termios2`, by its length. */
  decode(bytes: Uint8Array): Termios {
    const next = this.clone();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const record = termios.read(view, 0);
    next.iflag = record.c_iflag;
    next.oflag = record.c_oflag;
    next.cflag = record.c_cflag;
    next.lflag = record.c_lflag;
    next.line = record.c_line;
    next.cc = Uint8Array.from(record.c_cc.subarray(0, NCCS));
    if (bytes.length === termios2.size && (record.c_cflag & CBAUD) === BOTHER) {
      const { c_ispeed, c_ospeed } = termios2.field;
      next.ispeed = c_ispeed.get(view, 0);
      next.ospeed = c_ospeed.get(view, 0);
    } else next.ispeed = next.ospeed = speedOf(next.cflag);
    return next;
  }

  decodeOld(bytes: Uint8Array): Termios {
    const next = this.clone();
    const record = termio.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0);
    const low = (old: number, value: number): number => ((old & ~0xffff) | value) >>> 0;
    next.iflag = low(this.iflag, record.c_iflag);
    next.oflag = low(this.oflag, record.c_oflag);
    next.cflag = low(this.cflag, record.c_cflag);
    next.lflag = low(this.lflag, record.c_lflag);
    next.line = record.c_line;
    next.cc.set(record.c_cc.subarray(0, NCC));
    return next;
  }
}

/** Bits per second of a c_cflag: codes from B57600 on carry CBAUDEX and count from 16. */
function speedOf(cflag: number): number {
  const code = cflag & CBAUD;
  return baudRates[(code & CBAUDEX) === 0 ? code : 15 + (code & 0xf)] ?? 38400;
}
