/**
 * siginfo_t: what comes with a signal, made by its sender and written for user space. Which shape the bytes have depends on
 * the signal and si_code (sigaction(2)); what user space queues by rt_sigqueueinfo(2) is kept and handed over as it is.
 */
import {
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGPOLL,
  SIGSEGV,
  SIGSYS,
  SIGTRAP,
  SI_KERNEL,
  SI_MAX_SIZE,
  SI_SIGIO,
  SI_TIMER,
  SI_TKILL,
  SI_USER,
  siginfo,
  siginfo_chld,
  siginfo_fault,
  siginfo_poll,
  siginfo_rt,
  siginfo_sys,
  siginfo_timer,
} from '../uapi/signal.js';
import type { SignalInfo } from './signal-state.js';
import type { Task } from './task.js';

/** Bytes of a siginfo that the kernel carries; the rest is zero. */
const KERNEL_SIGINFO_SIZE = 48;

const nothing: SignalInfo = {
  signal: 0,
  errno: 0,
  code: SI_USER,
  pid: 0,
  uid: 0,
  status: 0,
  address: 0,
  valueLo: 0,
  valueHi: 0,
  utime: 0,
  stime: 0,
};

/** From the kernel, with nothing to tell: SI_KERNEL. */
export const kernelInfo = (signal: number): SignalInfo => ({ ...nothing, signal, code: SI_KERNEL });

/** What is found when a signal was noted without its information. */
export const emptyInfo = (signal: number): SignalInfo => ({ ...nothing, signal });

/** kill(2): from the sender's process. */
export const killInfo = (sender: Task, signal: number): SignalInfo => ({
  ...nothing,
  signal,
  pid: sender.process.pid,
  uid: sender.credentials.uid,
});

/** tkill(2), tgkill(2). */
export const threadKillInfo = (sender: Task, signal: number): SignalInfo => ({
  ...killInfo(sender, signal),
  code: SI_TKILL,
});

/** SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP of an instruction; `address` is what it touched, or its own. */
export const faultInfo = (signal: number, code: number, address: number): SignalInfo => ({
  ...nothing,
  signal,
  code,
  address,
});

/** SIGCHLD: `code` is CLD_*; times in ticks (USER_HZ). */
export const childInfo = (
  code: number,
  pid: number,
  uid: number,
  status: number,
  utime: number,
  stime: number,
): SignalInfo => ({ ...nothing, signal: SIGCHLD, code, pid, uid, status, utime, stime });

/** A POSIX timer's signal. */
export const timerInfo = (
  signal: number,
  id: number,
  overrun: number,
  valueLo: number,
  valueHi: number,
): SignalInfo => ({ ...nothing, signal, code: SI_TIMER, address: id, status: overrun, valueLo, valueHi });

/** A descriptor is ready: fcntl(2) F_SETSIG. `code` is POLL_*, `band` the poll(2) events. */
export const pollInfo = (signal: number, code: number, band: number, fd: number): SignalInfo => ({
  ...nothing,
  signal,
  code,
  address: band,
  status: fd,
});

type Shape = 'rt' | 'timer' | 'poll' | 'fault' | 'chld' | 'sys';

/** For each signal whose positive codes have a shape of their own: the highest of them, and the shape. */
const codes: Readonly<Record<number, readonly [highest: number, shape: Shape]>> = {
  [SIGILL]: [11, 'fault'],
  [SIGFPE]: [15, 'fault'],
  [SIGSEGV]: [10, 'fault'],
  [SIGBUS]: [5, 'fault'],
  [SIGTRAP]: [6, 'fault'],
  [SIGCHLD]: [6, 'chld'],
  [SIGPOLL]: [6, 'poll'],
  [SIGSYS]: [2, 'sys'],
};

/** As siginfo_layout() of Linux. */
export function siginfoShape(signal: number, code: number): Shape {
  if (code > SI_USER && code < SI_KERNEL) {
    const [highest, shape] = codes[signal] ?? [0, 'rt'];
    if (code <= highest) return shape;
    return code <= codes[SIGPOLL][0] ? 'poll' : 'rt';
  }
  if (code === SI_TIMER) return 'timer';
  return code === SI_SIGIO ? 'poll' : 'rt';
}

/** Writes the 128 bytes for user space at `base`, which must hold zeros. */
export function writeSiginfo(view: DataView, base: number, info: SignalInfo): void {
  const { signal, errno, code, pid, uid, status, address, valueLo, valueHi } = info;
  view.setInt32(base, signal, true);
  view.setInt32(base + 4, errno, true);
  view.setInt32(base + 8, code, true);
  if (info.raw !== undefined) {
    new Uint8Array(view.buffer, view.byteOffset + base + 16).set(info.raw);
    return;
  }
  switch (siginfoShape(signal, code)) {
    case 'rt': {
      const { si_pid, si_uid, si_value } = siginfo_rt.field;
      si_pid.set(view, base, pid);
      si_uid.set(view, base, uid);
      si_value.setWords(view, base, valueLo, valueHi);
      return;
    }
    case 'timer': {
      const { si_timerid, si_overrun, si_value } = siginfo_timer.field;
      si_timerid.set(view, base, address);
      si_overrun.set(view, base, status);
      si_value.setWords(view, base, valueLo, valueHi);
      return;
    }
    case 'poll':
      siginfo_poll.field.si_band.set(view, base, address);
      siginfo_poll.field.si_fd.set(view, base, status);
      return;
    case 'fault':
      siginfo_fault.field.si_addr.set(view, base, address);
      return;
    case 'chld': {
      const { si_pid, si_uid, si_status, si_utime, si_stime } = siginfo_chld.field;
      si_pid.set(view, base, pid);
      si_uid.set(view, base, uid);
      si_status.set(view, base, status);
      si_utime.set(view, base, info.utime);
      si_stime.set(view, base, info.stime);
      return;
    }
    case 'sys':
      siginfo_sys.field.si_call_addr.set(view, base, address);
      siginfo_sys.field.si_syscall.set(view, base, status);
      siginfo_sys.field.si_arch.set(view, base, uid);
      return;
  }
}

export function encodeSiginfo(info: SignalInfo): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SI_MAX_SIZE);
  writeSiginfo(new DataView(bytes.buffer), 0, info);
  return bytes;
}

/** What user space has made up: rt_sigqueueinfo(2), PTRACE_SETSIGINFO. The fields that its shape has are filled in, too. */
export function decodeSiginfo(bytes: Uint8Array, signal: number): SignalInfo {
  const { si_errno: errno, si_code: code } = siginfo.decode(bytes);
  const raw = bytes.slice(16, KERNEL_SIGINFO_SIZE);
  const base: SignalInfo = { ...nothing, signal, errno, code, raw };
  switch (siginfoShape(signal, code)) {
    case 'rt': {
      const { si_pid, si_uid, si_value } = siginfo_rt.decode(bytes);
      return { ...base, pid: si_pid, uid: si_uid, valueLo: si_value.lo, valueHi: si_value.hi };
    }
    case 'timer': {
      const { si_timerid, si_overrun, si_value } = siginfo_timer.decode(bytes);
      return { ...base, address: si_timerid, status: si_overrun, valueLo: si_value.lo, valueHi: si_value.hi };
    }
    case 'poll': {
      const { si_band, si_fd } = siginfo_poll.decode(bytes);
      return { ...base, address: si_band, status: si_fd };
    }
    case 'fault':
      return { ...base, address: siginfo_fault.decode(bytes).si_addr };
    case 'chld': {
      const { si_pid, si_uid, si_status, si_utime, si_stime } = siginfo_chld.decode(bytes);
      return { ...base, pid: si_pid, uid: si_uid, status: si_status, utime: si_utime, stime: si_stime };
    }
    case 'sys': {
      const { si_call_addr, si_syscall, si_arch } = siginfo_sys.decode(bytes);
      return { ...base, address: si_call_addr, status: si_syscall, uid: si_arch };
    }
  }
}
