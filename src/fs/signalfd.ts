/**
 * signalfd(2): reads the signals that are pending for the reader, whoever it is. It has no queue of its own; a signal that
 * arrives for a task wakes those who read or poll in that task's process.
 */
import { kernelOnlySignals } from '../kernel/signal-defaults.js';
import { dequeueSignal } from '../kernel/signal-deliver.js';
import { readSignalSet } from '../kernel/signal-mask.js';
import type { SignalSet } from '../kernel/signal-set.js';
import type { SignalInfo } from '../kernel/signal-state.js';
import { siginfoShape } from '../kernel/siginfo.js';
import { type Result, address, fd, flags, size, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import type { IoBuffer } from '../lib/io-buffer.js';
import { Word64 } from '../lib/word64.js';
import { EAGAIN, EFAULT, EINVAL } from '../uapi/errno.js';
import { EPOLLIN } from '../uapi/epoll.js';
import { O_RDWR } from '../uapi/fcntl.js';
import { SFD_CLOEXEC, SFD_NONBLOCK, signalfdFlags, signalfd_siginfo } from '../uapi/signalfd.js';
import { AnonymousFile } from './anon-inode.js';
import { descriptorLimit } from './file-calls.js';
import type { PollTable } from './file.js';

class SignalFile extends AnonymousFile {
  constructor(
    task: Task,
    /** The signals that it does not take: the complement of those asked for. */
    private others: SignalSet,
    openFlags: number,
  ) {
    super(task.kernel, task.credentials, openFlags, 'anon_inode:[signalfd]');
  }

  /** signalfd(2) of an existing one. Whoever waits may have something to do now. */
  change(task: Task, others: SignalSet): void {
    this.others = others;
    task.process.handlers.arrived.wake();
  }

  override read(task: Task, to: IoBuffer): Result {
    if (to.remaining < signalfd_siginfo.size) throw EINVAL;
    const first = dequeueSignal(task, this.others);
    if (first !== undefined) return this.deliver(task, to, first);
    if (this.nonBlocking) throw EAGAIN;
    return this.readLater(task, to);
  }

  private async readLater(task: Task, to: IoBuffer): Promise<number> {
    for (;;) {
      const first = dequeueSignal(task, this.others);
      if (first !== undefined) return this.deliver(task, to, first);
      await task.process.handlers.arrived.sleep(task);
    }
  }

  /** Stores a signal, and further ones while there are any and room for them. */
  private deliver(task: Task, to: IoBuffer, first: SignalInfo): number {
    const { size: each } = signalfd_siginfo;
    let count = 0;
    let next: SignalInfo | undefined = first;
    while (next !== undefined) {
      if (to.put(encode(next)) < each) break;
      count += each;
      next = to.remaining < each ? undefined : dequeueSignal(task, this.others);
    }
    if (count === 0) throw EFAULT;
    return count;
  }

  override poll(task: Task, table: PollTable | undefined): number {
    table?.wait(task.process.handlers.arrived);
    const pending =
      task.signals.pending.set.anyOutside(this.others) || task.process.signals.set.anyOutside(this.others);
    return pending ? EPOLLIN : 0;
  }

  override showFdInfo(): string {
    return `sigmask:\t${new Word64(~this.others.lo, ~this.others.hi).toHex()}\n`;
  }
}

/** struct signalfd_siginfo: what of a siginfo_t its code gives a meaning. */
function encode(info: SignalInfo): Uint8Array {
  const { signal, errno, code, pid, uid, status, address: where, valueLo, valueHi } = info;
  const common = { ssi_signo: signal, ssi_errno: errno, ssi_code: code };
  switch (siginfoShape(signal, code)) {
    case 'rt': {
      const value = { ssi_ptr: new Word64(valueLo, valueHi), ssi_int: valueLo };
      return signalfd_siginfo.encode({ ...common, ssi_pid: pid, ssi_uid: uid, ...value });
    }
    case 'timer': {
      const value = { ssi_ptr: new Word64(valueLo, valueHi), ssi_int: valueLo };
      return signalfd_siginfo.encode({ ...common, ssi_tid: where, ssi_overrun: status, ...value });
    }
    case 'poll':
      return signalfd_siginfo.encode({ ...common, ssi_band: where, ssi_fd: status });
    case 'fault':
      return signalfd_siginfo.encode({ ...common, ssi_addr: where });
    case 'chld': {
      const times = { ssi_utime: info.utime, ssi_stime: info.stime };
      return signalfd_siginfo.encode({ ...common, ssi_pid: pid, ssi_uid: uid, ssi_status: status, ...times });
    }
    case 'sys':
      return signalfd_siginfo.encode({ ...common, ssi_call_addr: where, ssi_syscall: status, ssi_arch: uid });
  }
}

function open(task: Task, at: number, mask: number, maskSize: number, createFlags: number): number {
  const others = readSignalSet(task, mask, maskSize).without(kernelOnlySignals).complement();
  if (at === -1) {
    const file = new SignalFile(task, others, O_RDWR | (createFlags & SFD_NONBLOCK));
    return task.files.installNew(file, (createFlags & SFD_CLOEXEC) !== 0, descriptorLimit(task));
  }
  const file = task.files.getOpen(at);
  if (!(file instanceof SignalFile)) throw EINVAL;
  file.change(task, others);
  return at;
}

export const sys_signalfd = syscall([fd, address, size], (task, at, mask, maskSize) =>
  open(task, at, mask, maskSize, 0),
);

export const sys_signalfd4 = syscall([fd, address, size, flags(signalfdFlags)], open);
