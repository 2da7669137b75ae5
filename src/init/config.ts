/** Everything built in. A line here is all that a new file system, driver or switch needs to exist. */
import { ubdHelp } from '../drivers/block/ubd/ubd.js';
import type { ChannelType } from '../drivers/console/channel.js';
import { fdChannel } from '../drivers/console/channels/fd.js';
import { nullChannel } from '../drivers/console/channels/null.js';
import { portChannel } from '../drivers/console/channels/port.js';
import { ptsChannel } from '../drivers/console/channels/pts.js';
import { ptyChannel } from '../drivers/console/channels/pty.js';
import { ttyChannel } from '../drivers/console/channels/tty.js';
import { unixChannel } from '../drivers/console/channels/unix.js';
import { HostFileSystem } from '../fs/hostfs/type.js';
import { ext2, ext3, ext4 } from '../fs/ext4/ext4.js';
import type { DevptsFileSystem } from '../fs/devpts/devpts.js';
import { SysFileSystem } from '../fs/sysfs/sysfs.js';
import { ProcFileSystem } from '../fs/proc/proc.js';
import { overlay } from '../fs/overlayfs/overlay.js';
import { DevTmpfs } from '../fs/tmpfs/devtmpfs.js';
import { ramfs, tmpfs } from '../fs/tmpfs/tmpfs.js';
import type { KernelConfig } from '../kernel/kernel.js';
import type { Params, Switch } from '../kernel/params.js';
import { UTS_RELEASE } from '../kernel/version.js';
import { Inet6Family, InetFamily } from '../net/inet/inet.js';
import { NetlinkFamily } from '../net/netlink/netlink.js';
import { UnixFamily } from '../net/unix/unix.js';
import { kernelParameters } from './parameters.js';
import { makeDevpts } from './ptys.js';
import { consoleSwitches } from './console-switches.js';
import { deviceSwitch, umlSwitches } from './switches.js';

/** Switches of drivers. */
const driverSwitches: readonly Switch[] = [...consoleSwitches, deviceSwitch('ubd', ubdHelp)];

/** Every word that the command line may have. */
export const switches: readonly Switch[] = [
  ...umlSwitches(driverSwitches, configurationText),
  ...kernelParameters,
];

export interface MachineConfig extends KernelConfig {
  readonly devpts: DevptsFileSystem;
  readonly channels: readonly ChannelType[];
}

/** What one kernel is made of. File system types may have state of their own, so each kernel gets new ones. */
export function makeConfig(params: Params): MachineConfig {
  const devpts = makeDevpts();
  return {
    devpts,
    // In this order, which matters where one name begins with another.
    channels: [fdChannel, nullChannel, portChannel, ptyChannel, ptsChannel, ttyChannel, unixChannel],
    fileSystems: [
      tmpfs,
      ramfs,
      overlay,
      ext3,
      ext2,
      ext4,
      new DevTmpfs(),
      devpts,
      new ProcFileSystem(),
      new SysFileSystem(),
      new HostFileSystem(params.hostfsRoot, params.hostfsAppend),
    ],
    protocolFamilies: [UnixFamily, NetlinkFamily, InetFamily, Inet6Family],
  };
}

/** The options of a Linux configuration that this kernel corresponds to, set; and those that people look for, not set. */
const optionsSet =
  `64BIT X86_64 UML UML_X86 SMP MMU PREEMPT HZ_100 PRINTK BUG FUTEX EPOLL SIGNALFD TIMERFD EVENTFD
  POSIX_TIMERS FILE_LOCKING INOTIFY_USER SHMEM ADVISE_SYSCALLS MULTIUSER BINFMT_ELF BINFMT_SCRIPT ELF_CORE NAMESPACES UTS_NS
  UNIX98_PTYS TTY SSL NULL_CHAN PORT_CHAN PTY_CHAN TTY_CHAN STDERR_CONSOLE HOSTFS TMPFS TMPFS_XATTR DEVTMPFS DEVTMPFS_MOUNT PROC_FS PROC_SYSCTL SYSFS
  OVERLAY_FS EXT4_FS EXT4_USE_FOR_EXT2 EXT4_FS_POSIX_ACL JBD2 NET UNIX BLOCK BLK_DEV BLK_DEV_UBD BLK_DEV_COW_COMMON BLK_DEV_LOOP MSDOS_PARTITION EFI_PARTITION`.split(
    /\s+/,
  );
const optionsNotSet = ['MODULES', 'SWAP', 'SECCOMP', 'CGROUPS', 'USER_NS', 'PID_NS', 'NET_NS'];

/** --showconfig: in the form of Linux's .config. */
export function configurationText(): string {
  const lines = [
    '#',
    '# Automatically generated file; DO NOT EDIT.',
    `# Linux/x86_64 ${UTS_RELEASE} Kernel Configuration`,
    '#',
    ...optionsSet.map((name) => `CONFIG_${name}=y`),
    'CONFIG_HZ=100',
    'CONFIG_INIT_ENV_ARG_LIMIT=128',
    'CONFIG_LOCALVERSION="-uml-ts"',
    'CONFIG_DEFAULT_HOSTNAME="(none)"',
    ...optionsNotSet.map((name) => `# CONFIG_${name} is not set`),
  ];
  return lines.map((line) => line + '\n').join('');
}
