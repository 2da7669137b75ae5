/** open(2), fcntl(2), flock(2), the AT_ family, openat2(2): asm-generic/fcntl.h, linux/fcntl.h, linux/openat2.h. */
import { FlagSet } from '../lib/flags.js';
import { s16, s32, s64, struct, u64 } from '../lib/struct.js';

export const O_ACCMODE = 0o3;
export const O_RDONLY = 0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_NDELAY = O_NONBLOCK;
export const O_DSYNC = 0o10000;
export const FASYNC = 0o20000;
export const O_DIRECT = 0o40000;
export const O_LARGEFILE = 0o100000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_NOATIME = 0o1000000;
export const O_CLOEXEC = 0o2000000;
export const O_SYNC = 0o4010000;
export const O_PATH = 0o10000000;
export const O_TMPFILE = 0o20200000;

/** Access modes as the first field of open(2)'s flags. */
const accessMode = { mask: O_ACCMODE, values: { O_RDONLY, O_WRONLY, O_RDWR } };

/** What open(2) knows; it ignores other bits, openat2(2) refuses them. */
export const openFlags = new FlagSet(
  {
    O_CREAT,
    O_EXCL,
    O_NOCTTY,
    O_TRUNC,
    O_APPEND,
    O_NONBLOCK,
    O_DSYNC,
    FASYNC,
    O_DIRECT,
    O_LARGEFILE,
    O_DIRECTORY,
    O_NOFOLLOW,
    O_NOATIME,
    O_CLOEXEC,
    O_SYNC,
    O_PATH,
    O_TMPFILE,
  },
  accessMode,
);
/** What fcntl(F_SETFL) can change. */
export const setFlFlags = new FlagSet({ O_APPEND, O_NONBLOCK, FASYNC, O_DIRECT, O_NOATIME });
/** dup3(2). */
export const dupFlags = new FlagSet({ O_CLOEXEC });
/** pipe2(2). O_NOTIFICATION_PIPE has the value of O_EXCL. */
export const pipeFlags = new FlagSet({ O_CLOEXEC, O_NONBLOCK, O_DIRECT });

export const F_DUPFD = 0;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_GETLK = 5;
export const F_SETLK = 6;
export const F_SETLKW = 7;
export const F_SETOWN = 8;
export const F_GETOWN = 9;
export const F_SETSIG = 10;
export const F_GETSIG = 11;
export const F_SETOWN_EX = 15;
export const F_GETOWN_EX = 16;
export const F_GETOWNER_UIDS = 17;
export const F_OFD_GETLK = 36;
export const F_OFD_SETLK = 37;
export const F_OFD_SETLKW = 38;
export const F_SETLEASE = 1024;
export const F_GETLEASE = 1025;
export const F_CANCELLK = 1029;
export const F_DUPFD_CLOEXEC = 1030;
export const F_NOTIFY = 1026;
export const F_SETPIPE_SZ = 1031;
export const F_GETPIPE_SZ = 1032;
export const F_ADD_SEALS = 1033;
export const F_GET_SEALS = 1034;
export const F_GET_RW_HINT = 1035;
export const F_SET_RW_HINT = 1036;
export const F_GET_FILE_RW_HINT = 1037;
export const F_SET_FILE_RW_HINT = 1038;
/** Linux 6.10. */
export const F_DUPFD_QUERY = 1027;
/** Linux 6.12. */
export const F_CREATED_QUERY = 1028;

/** The one descriptor flag. */
export const FD_CLOEXEC = 1;

export const F_OWNER_TID = 0;
export const F_OWNER_PID = 1;
export const F_OWNER_PGRP = 2;

/** Kinds of locks: struct flock and leases. */
export const F_RDLCK = 0;
export const F_WRLCK = 1;
export const F_UNLCK = 2;

/** flock(2). */
export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;

export const F_SEAL_SEAL = 0x1;
export const F_SEAL_SHRINK = 0x2;
export const F_SEAL_GROW = 0x4;
export const F_SEAL_WRITE = 0x8;
export const F_SEAL_FUTURE_WRITE = 0x10;
/** Linux 6.3. */
export const F_SEAL_EXEC = 0x20;

export const sealFlags = new FlagSet({
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_GROW,
  F_SEAL_WRITE,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_EXEC,
});

export const RWH_WRITE_LIFE_NOT_SET = 0;
export const RWH_WRITE_LIFE_NONE = 1;
export const RWH_WRITE_LIFE_SHORT = 2;
export const RWH_WRITE_LIFE_MEDIUM = 3;
export const RWH_WRITE_LIFE_LONG = 4;
export const RWH_WRITE_LIFE_EXTREME = 5;

/** F_NOTIFY. */
export const DN_ACCESS = 0x1;
export const DN_MODIFY = 0x2;
export const DN_CREATE = 0x4;
export const DN_DELETE = 0x8;
export const DN_RENAME = 0x10;
export const DN_ATTRIB = 0x20;
export const DN_MULTISHOT = 0x8000_0000;

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_EACCESS = 0x200;
export const AT_REMOVEDIR = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_NO_AUTOMOUNT = 0x800;
export const AT_EMPTY_PATH = 0x1000;
export const AT_STATX_SYNC_TYPE = 0x6000;
export const AT_STATX_SYNC_AS_STAT = 0x0;
export const AT_STATX_FORCE_SYNC = 0x2000;
export const AT_STATX_DONT_SYNC = 0x4000;
export const AT_RECURSIVE = 0x8000;
/** execveat(2), Linux 6.14. */
export const AT_EXECVE_CHECK = 0x1_0000;
/** name_to_handle_at(2), Linux 6.5. */
export const AT_HANDLE_FID = 0x200;

/** For each call that takes AT_ flags, those that it knows. */
export const linkatFlags = new FlagSet({ AT_SYMLINK_FOLLOW, AT_EMPTY_PATH });
export const unlinkatFlags = new FlagSet({ AT_REMOVEDIR });
export const fchownatFlags = new FlagSet({ AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH });
export const fchmodat2Flags = fchownatFlags;
export const faccessat2Flags = new FlagSet({ AT_EACCESS, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH });
export const utimensatFlags = new FlagSet({ AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH });
export const execveatFlags = new FlagSet({ AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_EXECVE_CHECK });
export const nameToHandleFlags = new FlagSet({ AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, AT_HANDLE_FID });
export const fstatatFlags = new FlagSet({ AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH });
export const statxFlags = new FlagSet(
  { AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH },
  { mask: AT_STATX_SYNC_TYPE, values: { AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC } },
);

/** openat2(2). */
export const RESOLVE_NO_XDEV = 0x1;
export const RESOLVE_NO_MAGICLINKS = 0x2;
export const RESOLVE_NO_SYMLINKS = 0x4;
export const RESOLVE_BENEATH = 0x8;
export const RESOLVE_IN_ROOT = 0x10;
export const RESOLVE_CACHED = 0x20;

export const resolveFlags = new FlagSet({
  RESOLVE_NO_XDEV,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_CACHED,
});

export const open_how = struct({ flags: u64, mode: u64, resolve: u64 });
/** sizeof(struct open_how) when openat2(2) was introduced. */
export const OPEN_HOW_SIZE_VER0 = 24;

export const flock = struct({ l_type: s16, l_whence: s16, l_start: s64, l_len: s64, l_pid: s32 });
export const f_owner_ex = struct({ type: s32, pid: s32 });

/** fallocate(2): linux/falloc.h. */
export const FALLOC_FL_KEEP_SIZE = 0x1;
export const FALLOC_FL_PUNCH_HOLE = 0x2;
export const FALLOC_FL_NO_HIDE_STALE = 0x4;
export const FALLOC_FL_COLLAPSE_RANGE = 0x8;
export const FALLOC_FL_ZERO_RANGE = 0x10;
export const FALLOC_FL_INSERT_RANGE = 0x20;
export const FALLOC_FL_UNSHARE_RANGE = 0x40;

export const fallocateFlags = new FlagSet({
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_ZERO_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_UNSHARE_RANGE,
});

/** posix_fadvise(2): linux/fadvise.h. */
export const POSIX_FADV_NORMAL = 0;
export const POSIX_FADV_RANDOM = 1;
export const POSIX_FADV_SEQUENTIAL = 2;
export const POSIX_FADV_WILLNEED = 3;
export const POSIX_FADV_DONTNEED = 4;
export const POSIX_FADV_NOREUSE = 5;

/** close_range(2): linux/close_range.h. */
export const CLOSE_RANGE_UNSHARE = 0x2;
export const CLOSE_RANGE_CLOEXEC = 0x4;
export const closeRangeFlags = new FlagSet({ CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC });

/** access(2). */
export const F_OK = 0;
export const X_OK = 1;
export const W_OK = 2;
export const R_OK = 4;
