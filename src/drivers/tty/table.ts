/** The terminals of a machine that have device numbers of their own, and the nodes 5:0, 5:1 and 5:2. tty(4), console(4). */
import { CharDriver, type Devices } from '../../fs/char-dev.js';
import type { File } from '../../fs/file.js';
import type { Inode, OpenContext } from '../../fs/inode.js';
import type { Name } from '../../lib/names.js';
import type { Task } from '../../kernel/task.js';
import { CAP_SYS_ADMIN } from '../../uapi/capability.js';
import { capable } from '../../kernel/credentials.js';
import { EBUSY, EIO, ENODEV, ENXIO } from '../../uapi/errno.js';
import { O_ACCMODE, O_NOCTTY, O_WRONLY } from '../../uapi/fcntl.js';
import { S_IFCHR } from '../../uapi/stat.js';
import { PTS_MAJOR, type PtyTable } from './pty.js';
import { TtyFile } from './tty-file.js';
import { Tty } from './tty.js';
import { makeDevice } from '../../fs/char-dev.js';

/** Opens a terminal; a session leader without one gets it as controlling terminal, unless O_NOCTTY. */
export function openTty(tty: Tty, inode: Inode, context: OpenContext, controlling = true): File {
  const { task } = context;
  if (tty.exclusive && !capable(task.credentials, CAP_SYS_ADMIN)) throw EBUSY;
  const file = new TtyFile(tty, context.mount, context.dentry, inode, context.flags, task.credentials);
  if (controlling && (context.flags & O_NOCTTY) === 0 && (context.flags & O_ACCMODE) !== O_WRONLY)
    adopt(task, tty);
  return file;
}

/** Opens a terminal as soon as what lies below it lets. */
function openWhenReady(
  tty: Tty,
  inode: Inode,
  context: OpenContext,
  controlling = true,
): File | Promise<File> {
  const ready = tty.port.opening(context.task);
  if (!(ready instanceof Promise)) return openTty(tty, inode, context, controlling);
  return ready.then(() => openTty(tty, inode, context, controlling));
}

function adopt(task: Task, tty: Tty): void {
  const { process } = task;
  const { session } = process;
  if (session.id !== process.pid || session.controllingTerminal !== undefined || tty.session !== undefined)
    return;
  tty.attachSession(session);
  tty.foreground = process.group;
}

/** /dev/ttyN (4:0 to 4:63) and /dev/ttySN (4:64 on): consoles and serial lines. */
export class TtyTable extends CharDriver {
  override readonly name = 'tty';
  override readonly major = 4;
  override readonly minors = [0, 192] as const;
  /** Made at their first use: a machine has many serial lines, and most are never opened. */
  private readonly makers = new Map<number, () => Tty>();
  private readonly ttys = new Map<number, Tty>();
  /** The terminal behind /dev/console. */
  console: Tty | undefined;

  constructor(private readonly devices: Devices) {
    super();
  }

  /** A terminal of this name, and its device node. */
  add(minor: number, name: Name, make: () => Tty): void {
    this.makers.set(minor, make);
    this.devices.addNode({ name, mode: S_IFCHR | 0o620, rdev: makeDevice(this.major, minor), gid: 5 });
  }

  get(minor: number): Tty | undefined {
    const known = this.ttys.get(minor);
    if (known !== undefined) return known;
    const tty = this.makers.get(minor)?.();
    if (tty !== undefined) this.ttys.set(minor, tty);
    return tty;
  }

  override open(inode: Inode, minor: number, context: OpenContext): File | Promise<File> {
    const tty = this.get(minor);
    if (tty === undefined) throw ENXIO;
    return openWhenReady(tty, inode, context);
  }
}

/** /dev/tty (5:0): whatever the caller's controlling terminal is; /dev/console (5:1); /dev/ptmx (5:2). */
export class SpecialTtys extends CharDriver {
  override readonly name = '/dev/tty';
  override readonly major = 5;
  override readonly minors = [0, 3] as const;

  constructor(
    private readonly table: TtyTable,
    /** The pairs of the devpts instance that /dev/ptmx belongs to. */
    private readonly ptys: (context: OpenContext) => PtyTable | undefined,
  ) {
    super();
  }

  override open(inode: Inode, minor: number, context: OpenContext): File | Promise<File> {
    switch (minor) {
      case 0: {
        const tty = context.task.process.session.controllingTerminal;
        if (!(tty instanceof Tty)) throw ENXIO;
        return openWhenReady(tty, inode, context, false);
      }
      case 1:
        if (this.table.console === undefined) throw EIO;
        // Opening /dev/console never makes it a controlling terminal (console(4)).
        return openWhenReady(this.table.console, inode, context, false);
      default: {
        const ptys = this.ptys(context);
        if (ptys === undefined) throw ENODEV;
        return ptys.openMaster(inode, context);
      }
    }
  }
}

/** Slaves by number, for nodes outside devpts. */
export class PtySlaves extends CharDriver {
  override readonly name = 'pts';
  override readonly major = PTS_MAJOR;
  override readonly minors = [0, 1 << 20] as const;

  constructor(private readonly ptys: (context: OpenContext) => PtyTable | undefined) {
    super();
  }

  override open(inode: Inode, minor: number, context: OpenContext): File {
    const pty = this.ptys(context)?.get(minor);
    if (pty === undefined) throw EIO;
    return openTty(pty.slave, inode, context);
  }
}

/** Nodes that are there from the start. */
export function addSpecialNodes(devices: Devices): void {
  devices.addNode({ name: 'tty', mode: S_IFCHR | 0o666, rdev: makeDevice(5, 0), gid: 5 });
  devices.addNode({ name: 'console', mode: S_IFCHR | 0o600, rdev: makeDevice(5, 1) });
  devices.addNode({ name: 'ptmx', mode: S_IFCHR | 0o666, rdev: makeDevice(5, 2), gid: 5 });
}
