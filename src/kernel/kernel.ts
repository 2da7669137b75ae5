/** The kernel: one object from which all long-lived state hangs, so that two can run in one process. */
import type { Host } from '../host/host.js';
import type { Disks } from '../block/disks.js';
import type { File } from '../fs/file.js';
import type { AnonymousInodes } from '../fs/anon-inode.js';
import type { LockTable } from '../fs/locks.js';
import type { DirentMemory } from '../fs/readdir.js';
import type { StatBuffer } from '../fs/stat.js';
import type { FileSystemType, SuperBlock } from '../fs/super-block.js';
import type { Mount } from '../fs/mount.js';
import type { Net, ProtocolFamilyType } from '../net/net.js';
import type { PhysicalAllocator } from '../mm/physmem.js';
import type { MemoryManager } from '../mm/memory-manager.js';
import type { Devices } from '../fs/char-dev.js';
import type { Arch } from './arch.js';
import { Scratch } from '../lib/scratch.js';
import { FutexTable } from './futex-queue.js';
import type { Params } from './params.js';
import type { PidTable } from './pid.js';
import type { Printk } from './printk.js';
import type { Process } from './process.js';
import type { SignalAccount } from './signal-state.js';
import type { Task } from './task.js';
import type { Traps } from './trap.js';
import { Scheduler } from './sched.js';
import { WaitQueue } from './wait.js';

/** Everything built in: init/config.ts lists it. */
export interface KernelConfig {
  readonly fileSystems: readonly FileSystemType[];
  readonly protocolFamilies: readonly ProtocolFamilyType[];
}

/** /proc/sys/fs: proc_sys_fs(5), inotify(7). */
export interface FsSettings {
  protectedSymlinks: number;
  protectedHardlinks: number;
  protectedFifos: number;
  protectedRegular: number;
  /** Beyond it F_SETPIPE_SZ needs CAP_SYS_RESOURCE. */
  pipeMaxSize: number;
  inotifyMaxQueuedEvents: number;
  inotifyMaxUserInstances: number;
  inotifyMaxUserWatches: number;
}

/** What one user has of inotify. */
export interface InotifyAccount {
  instances: number;
  watches: number;
}

/** How the machine ended, or is to end: reboot(2). */
export type Shutdown =
  | { readonly kind: 'halt' | 'power-off' }
  | { readonly kind: 'restart'; readonly command: string }
  | { readonly kind: 'panic'; readonly message: string };

/** Files that stand for processes: pidfd_open(2). */
export interface PidFiles {
  /** `flags`: PIDFD_NONBLOCK. */
  open(task: Task, process: Process, flags: number): File;
  /** The process that a file stands for, or undefined when it is no such file. */
  processOf(file: File): Process | undefined;
}

export class Kernel {
  readonly scheduler: Scheduler;
  private notifyCookies = 0;
  /** Woken when the real-time clock has been set: timerfds, absolute sleeps. */
  readonly clockSet = new WaitQueue();
  /** Set by reboot(2), a panic or the host; the loop ends when it sees it. */
  shutdown: Shutdown | undefined;
  /** Whether Ctrl-Alt-Del restarts the machine at once, or init gets SIGINT: reboot(2). */
  ctrlAltDelReboots = true;
  /** /proc/sys/kernel/randomize_va_space: 0 lays all programs out alike. */
  randomizeVaSpace = 2;
  /** /proc/exitcode: what halt makes the process's exit status. */
  exitCode = 0;

  /** settimeofday(2): nobody uses it but those who ask for it. */
  timezone = { tz_minuteswest: 0, tz_dsttime: 0 };
  /** Exponential means of runnable tasks over 1, 5 and 15 minutes: loadavg.ts. */
  readonly loadAverages: [one: number, five: number, fifteen: number] = [0, 0, 0];
  /** CPU time of processes that are gone, for /proc/stat and /proc/uptime, in ns. */
  reapedCpuNs = 0;
  /** Processes and threads made since boot. */
  forks = 0;
  /** Files of /proc/net: protocols add theirs. */
  readonly networkFiles = new Map<string, () => string>();

  /** For signal frames: room for the largest FPU state. */
  readonly scratch = new Scratch(32768);
  readonly futexes = new FutexTable();
  /** Queued signals by real user id: RLIMIT_SIGPENDING. */
  readonly signalAccounts = new Map<number, SignalAccount>();

  // Handed in by init/main at start-up, in this order; each is one subsystem's root object.
  arch!: Arch;
  /** The way into and out of the kernel for guest code. Sets itself. */
  traps!: Traps;
  params!: Params;
  log!: Printk;
  pids!: PidTable;
  /** Guest physical memory: frames. */
  frames!: PhysicalAllocator;
  /** Page caches, reclaim, accounting. */
  memory!: MemoryManager;
  /** /proc/sys/fs: the kernel's own defaults; Debian's sysctl.d switches protected links on. */
  readonly fsSettings: FsSettings = {
    protectedSymlinks: 0,
    protectedHardlinks: 0,
    protectedFifos: 0,
    protectedRegular: 0,
    pipeMaxSize: 1 << 20,
    inotifyMaxQueuedEvents: 16384,
    inotifyMaxUserInstances: 128,
    inotifyMaxUserWatches: 1 << 20,
  };
  /** By real user id. */
  readonly inotifyAccounts = new Map<number, InotifyAccount>();
  /** Made by the first stat(2). */
  statBuffer: StatBuffer | undefined;
  /** Made by the first getdents(2). */
  direntMemory: DirentMemory | undefined;
  /** Every instance of a file system: sync(2). */
  readonly superBlocks = new Set<SuperBlock>();
  /** Numbers for mounts and peer groups handed out so far. */
  lastMountId = 0;
  lastPeerGroupId = 0;
  /** Character and block device numbers and their drivers. */
  devices!: Devices;
  /** Block devices. */
  disks!: Disks;
  /** Inodes of pipes, sockets and other files that no directory names: fs/anon-inode.ts. */
  anonymous!: AnonymousInodes;
  /** All file locks: fs/locks.ts. */
  locks!: LockTable;
  /** The initial network namespace: net/net.ts. */
  net!: Net;
  /** Files that stand for processes: fs/pidfd.ts. */
  pidFiles!: PidFiles;
  /** The root of the initial mount namespace. */
  rootMount!: Mount;

  constructor(
    readonly host: Host,
    readonly config: KernelConfig,
  ) {
    this.scheduler = new Scheduler(host.clock);
  }

  /** Joins the two halves of a rename for inotify(7). */
  nextNotifyCookie(): number {
    this.notifyCookies = (this.notifyCookies + 1) >>> 0;
    return this.notifyCookies;
  }
}
