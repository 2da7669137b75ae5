/** capabilities(7): linux/capability.h. */
import { array, s32, struct, u32 } from '../lib/struct.js';

export const _LINUX_CAPABILITY_VERSION_1 = 0x1998_0330;
export const _LINUX_CAPABILITY_VERSION_2 = 0x2007_1026;
export const _LINUX_CAPABILITY_VERSION_3 = 0x2008_0522;
export const _LINUX_CAPABILITY_U32S_1 = 1;
export const _LINUX_CAPABILITY_U32S_2 = 2;
export const _LINUX_CAPABILITY_U32S_3 = 2;
/** capget(2), capset(2). */
export const __user_cap_header_struct = struct({ version: u32, pid: s32 });
/** One for each 32 capabilities. */
export const __user_cap_data_struct = struct({ effective: u32, permitted: u32, inheritable: u32 });

export const CAP_CHOWN = 0;
export const CAP_DAC_OVERRIDE = 1;
export const CAP_DAC_READ_SEARCH = 2;
export const CAP_FOWNER = 3;
export const CAP_FSETID = 4;
export const CAP_KILL = 5;
export const CAP_SETGID = 6;
export const CAP_SETUID = 7;
export const CAP_SETPCAP = 8;
export const CAP_LINUX_IMMUTABLE = 9;
export const CAP_NET_BIND_SERVICE = 10;
export const CAP_NET_BROADCAST = 11;
export const CAP_NET_ADMIN = 12;
export const CAP_NET_RAW = 13;
export const CAP_IPC_LOCK = 14;
export const CAP_IPC_OWNER = 15;
export const CAP_SYS_MODULE = 16;
export const CAP_SYS_RAWIO = 17;
export const CAP_SYS_CHROOT = 18;
export const CAP_SYS_PTRACE = 19;
export const CAP_SYS_PACCT = 20;
export const CAP_SYS_ADMIN = 21;
export const CAP_SYS_BOOT = 22;
export const CAP_SYS_NICE = 23;
export const CAP_SYS_RESOURCE = 24;
export const CAP_SYS_TIME = 25;
export const CAP_SYS_TTY_CONFIG = 26;
export const CAP_MKNOD = 27;
export const CAP_LEASE = 28;
export const CAP_AUDIT_WRITE = 29;
export const CAP_AUDIT_CONTROL = 30;
export const CAP_SETFCAP = 31;
export const CAP_MAC_OVERRIDE = 32;
export const CAP_MAC_ADMIN = 33;
export const CAP_SYSLOG = 34;
export const CAP_WAKE_ALARM = 35;
export const CAP_BLOCK_SUSPEND = 36;
export const CAP_AUDIT_READ = 37;
export const CAP_PERFMON = 38;
export const CAP_BPF = 39;
export const CAP_CHECKPOINT_RESTORE = 40;
export const CAP_LAST_CAP = 40;

const vfs_cap_words = struct({ permitted: u32, inheritable: u32 });
/** The extended attribute security.capability: revision 2, and 3, which belongs to a user namespace. */
export const vfs_cap_data = struct({ magic_etc: u32, data: array(vfs_cap_words, 2) });
export const vfs_ns_cap_data = struct({ magic_etc: u32, data: array(vfs_cap_words, 2), rootid: u32 });
export const VFS_CAP_REVISION_MASK = 0xff00_0000;
export const VFS_CAP_REVISION_SHIFT = 24;
export const VFS_CAP_FLAGS_MASK = 0xff_ffff;
export const VFS_CAP_FLAGS_EFFECTIVE = 0x1;
export const VFS_CAP_REVISION_1 = 0x100_0000;
export const VFS_CAP_U32_1 = 0x1;
export const VFS_CAP_REVISION_2 = 0x200_0000;
export const VFS_CAP_U32_2 = 0x2;
export const VFS_CAP_REVISION_3 = 0x300_0000;
export const VFS_CAP_U32_3 = 0x2;
export const VFS_CAP_REVISION = 0x300_0000;
export const XATTR_CAPS_SZ_1 = 12;
export const XATTR_CAPS_SZ_2 = 20;
export const XATTR_CAPS_SZ_3 = 24;
