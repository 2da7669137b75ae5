/** statfs(2): asm/statfs.h, include/linux/statfs.h, linux/magic.h. */
import { FlagSet } from '../lib/flags.js';
import { array, s32, s64, struct, u64 } from '../lib/struct.js';

export const statfs = struct({
  f_type: s64,
  f_bsize: s64,
  f_blocks: u64,
  f_bfree: u64,
  f_bavail: u64,
  f_files: u64,
  f_ffree: u64,
  f_fsid: array(s32, 2),
  f_namelen: s64,
  f_frsize: s64,
  f_flags: s64,
  f_spare: array(s64, 4),
});

export const ST_RDONLY = 0x1;
export const ST_NOSUID = 0x2;
export const ST_NODEV = 0x4;
export const ST_NOEXEC = 0x8;
export const ST_SYNCHRONOUS = 0x10;
/** Says that f_flags is filled in. */
export const ST_VALID = 0x20;
export const ST_MANDLOCK = 0x40;
export const ST_NOATIME = 0x400;
export const ST_NODIRATIME = 0x800;
export const ST_RELATIME = 0x1000;
export const ST_NOSYMFOLLOW = 0x2000;
export const statfsFlags = new FlagSet({
  ST_RDONLY,
  ST_NOSUID,
  ST_NODEV,
  ST_NOEXEC,
  ST_SYNCHRONOUS,
  ST_VALID,
  ST_MANDLOCK,
  ST_NOATIME,
  ST_NODIRATIME,
  ST_RELATIME,
  ST_NOSYMFOLLOW,
});

export const ANON_INODE_FS_MAGIC = 0x904_1934;
export const BDEVFS_MAGIC = 0x6264_6576;
export const BINDERFS_SUPER_MAGIC = 0x6c6f_6f70;
export const BINFMTFS_MAGIC = 0x4249_4e4d;
export const BPF_FS_MAGIC = 0xcafe_4a11;
export const BTRFS_SUPER_MAGIC = 0x9123_683e;
export const CGROUP_SUPER_MAGIC = 0x27_e0eb;
export const CGROUP2_SUPER_MAGIC = 0x6367_7270;
export const CRAMFS_MAGIC = 0x28cd_3d45;
export const DEBUGFS_MAGIC = 0x6462_6720;
export const DEVMEM_MAGIC = 0x454d_444d;
export const DEVPTS_SUPER_MAGIC = 0x1cd1;
export const EXT2_SUPER_MAGIC = 0xef53;
export const EXT3_SUPER_MAGIC = 0xef53;
export const EXT4_SUPER_MAGIC = 0xef53;
export const FUSE_SUPER_MAGIC = 0x6573_5546;
export const HOSTFS_SUPER_MAGIC = 0xc0_ffee;
export const HUGETLBFS_MAGIC = 0x9584_58f6;
export const ISOFS_SUPER_MAGIC = 0x9660;
export const MSDOS_SUPER_MAGIC = 0x4d44;
export const NFS_SUPER_MAGIC = 0x6969;
export const NSFS_MAGIC = 0x6e73_6673;
export const OVERLAYFS_SUPER_MAGIC = 0x794c_7630;
export const PIPEFS_MAGIC = 0x5049_5045;
export const PROC_SUPER_MAGIC = 0x9fa0;
export const RAMFS_MAGIC = 0x8584_58f6;
export const REISERFS_SUPER_MAGIC = 0x5265_4973;
export const SECURITYFS_MAGIC = 0x7363_6673;
export const SELINUX_MAGIC = 0xf97c_ff8c;
export const SOCKFS_MAGIC = 0x534f_434b;
export const SQUASHFS_MAGIC = 0x7371_7368;
export const SYSFS_MAGIC = 0x6265_6572;
export const TMPFS_MAGIC = 0x102_1994;
export const TRACEFS_MAGIC = 0x7472_6163;
export const XENFS_SUPER_MAGIC = 0xabba_1974;
/** POSIX message queues: ipc/mqueue.c. */
export const MQUEUE_MAGIC = 0x1980_0202;
