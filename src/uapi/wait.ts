/** wait(2), waitid(2): linux/wait.h. */
import { FlagSet } from '../lib/flags.js';

export const WNOHANG = 0x1;
export const WUNTRACED = 0x2;
export const WSTOPPED = 0x2;
export const WEXITED = 0x4;
export const WCONTINUED = 0x8;
export const WNOWAIT = 0x100_0000;
export const __WNOTHREAD = 0x2000_0000;
export const __WALL = 0x4000_0000;
export const __WCLONE = 0x8000_0000;

export const wait4Flags = new FlagSet({ WNOHANG, WUNTRACED, WCONTINUED, __WNOTHREAD, __WALL, __WCLONE });
export const waitidFlags = new FlagSet({
  WNOHANG,
  WSTOPPED,
  WEXITED,
  WCONTINUED,
  WNOWAIT,
  __WNOTHREAD,
  __WALL,
  __WCLONE,
});

export const P_ALL = 0;
export const P_PID = 1;
export const P_PGID = 2;
export const P_PIDFD = 3;

/** How a wait status is made: exit code, or signal with the core dump bit. */
export const exitedStatus = (code: number): number => (code & 0xff) << 8;
export const signalledStatus = (signal: number, coreDumped: boolean): number =>
  signal | (coreDumped ? 0x80 : 0);
export const stoppedStatus = (signal: number): number => (signal << 8) | 0x7f;
export const CONTINUED_STATUS = 0xffff;
