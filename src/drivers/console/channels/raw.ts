/** Raw mode of a terminal of the host: every byte passes as it is, both ways. cfmakeraw(3). */
import type { HostFiles } from '../../../host/files.js';
import {
  BRKINT,
  CS8,
  CSIZE,
  ECHO,
  ECHONL,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNBRK,
  IGNCR,
  INLCR,
  ISIG,
  ISTRIP,
  IXON,
  OPOST,
  PARENB,
  PARMRK,
  TCGETS,
  TCSETS,
  VMIN,
  VTIME,
  termios,
} from '../../../uapi/termios.js';

/** Makes a terminal raw. Returns its settings before, for TCSETS; undefined when it is no terminal. */
export function makeRaw(files: HostFiles, fd: number): Uint8Array | undefined {
  const before = new Uint8Array(termios.size);
  if (files.ioctl(fd, TCGETS, before) !== 0) return undefined;
  const settings = termios.decode(before);
  const cc = settings.c_cc.slice();
  cc[VMIN] = 1;
  cc[VTIME] = 0;
  const raw = termios.encode({
    ...settings,
    c_iflag: settings.c_iflag & ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON),
    c_oflag: settings.c_oflag & ~OPOST,
    c_lflag: settings.c_lflag & ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN),
    c_cflag: (settings.c_cflag & ~(CSIZE | PARENB)) | CS8,
    c_cc: cc,
  });
  files.ioctl(fd, TCSETS, raw);
  return before;
}
