/** mount(2), umount(2), fsopen(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2): linux/mount.h. */
import { FlagSet } from '../lib/flags.js';
import { struct, u64 } from '../lib/struct.js';

export const MS_RDONLY = 0x1;
export const MS_NOSUID = 0x2;
export const MS_NODEV = 0x4;
export const MS_NOEXEC = 0x8;
export const MS_SYNCHRONOUS = 0x10;
export const MS_REMOUNT = 0x20;
export const MS_MANDLOCK = 0x40;
export const MS_DIRSYNC = 0x80;
export const MS_NOSYMFOLLOW = 0x100;
export const MS_NOATIME = 0x400;
export const MS_NODIRATIME = 0x800;
export const MS_BIND = 0x1000;
export const MS_MOVE = 0x2000;
export const MS_REC = 0x4000;
export const MS_SILENT = 0x8000;
export const MS_POSIXACL = 0x1_0000;
export const MS_UNBINDABLE = 0x2_0000;
export const MS_PRIVATE = 0x4_0000;
export const MS_SLAVE = 0x8_0000;
export const MS_SHARED = 0x10_0000;
export const MS_RELATIME = 0x20_0000;
export const MS_KERNMOUNT = 0x40_0000;
export const MS_I_VERSION = 0x80_0000;
export const MS_STRICTATIME = 0x100_0000;
export const MS_LAZYTIME = 0x200_0000;
/** In the high half of the flags, a habit of old programs: ignored. */
export const MS_MGC_VAL = 0xc0ed_0000;
export const MS_MGC_MSK = 0xffff_0000;

export const mountFlags = new FlagSet({
  MS_RDONLY,
  MS_NOSUID,
  MS_NODEV,
  MS_NOEXEC,
  MS_SYNCHRONOUS,
  MS_REMOUNT,
  MS_MANDLOCK,
  MS_DIRSYNC,
  MS_NOSYMFOLLOW,
  MS_NOATIME,
  MS_NODIRATIME,
  MS_BIND,
  MS_MOVE,
  MS_REC,
  MS_SILENT,
  MS_POSIXACL,
  MS_UNBINDABLE,
  MS_PRIVATE,
  MS_SLAVE,
  MS_SHARED,
  MS_RELATIME,
  MS_I_VERSION,
  MS_STRICTATIME,
  MS_LAZYTIME,
});

export const MNT_FORCE = 1;
export const MNT_DETACH = 2;
export const MNT_EXPIRE = 4;
export const UMOUNT_NOFOLLOW = 8;
export const umountFlags = new FlagSet({ MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW });

/** O_CLOEXEC is OPEN_TREE_CLOEXEC. */
export const OPEN_TREE_CLONE = 1;
export const OPEN_TREE_CLOEXEC = 0o2000000;

export const MOVE_MOUNT_F_SYMLINKS = 0x1;
export const MOVE_MOUNT_F_AUTOMOUNTS = 0x2;
export const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
export const MOVE_MOUNT_T_SYMLINKS = 0x10;
export const MOVE_MOUNT_T_AUTOMOUNTS = 0x20;
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
export const MOVE_MOUNT_SET_GROUP = 0x100;
/** Linux 6.5. */
export const MOVE_MOUNT_BENEATH = 0x200;
export const moveMountFlags = new FlagSet({
  MOVE_MOUNT_F_SYMLINKS,
  MOVE_MOUNT_F_AUTOMOUNTS,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  MOVE_MOUNT_T_AUTOMOUNTS,
  MOVE_MOUNT_T_EMPTY_PATH,
  MOVE_MOUNT_SET_GROUP,
  MOVE_MOUNT_BENEATH,
});

export const FSOPEN_CLOEXEC = 1;
export const fsopenFlags = new FlagSet({ FSOPEN_CLOEXEC });
export const FSPICK_CLOEXEC = 0x1;
export const FSPICK_SYMLINK_NOFOLLOW = 0x2;
export const FSPICK_NO_AUTOMOUNT = 0x4;
export const FSPICK_EMPTY_PATH = 0x8;
export const fspickFlags = new FlagSet({
  FSPICK_CLOEXEC,
  FSPICK_SYMLINK_NOFOLLOW,
  FSPICK_NO_AUTOMOUNT,
  FSPICK_EMPTY_PATH,
});

export const FSCONFIG_SET_FLAG = 0;
export const FSCONFIG_SET_STRING = 1;
export const FSCONFIG_SET_BINARY = 2;
export const FSCONFIG_SET_PATH = 3;
export const FSCONFIG_SET_PATH_EMPTY = 4;
export const FSCONFIG_SET_FD = 5;
export const FSCONFIG_CMD_CREATE = 6;
export const FSCONFIG_CMD_RECONFIGURE = 7;
/** Linux 6.6. */
export const FSCONFIG_CMD_CREATE_EXCL = 8;

export const FSMOUNT_CLOEXEC = 1;
export const fsmountFlags = new FlagSet({ FSMOUNT_CLOEXEC });

export const MOUNT_ATTR_RDONLY = 0x1;
export const MOUNT_ATTR_NOSUID = 0x2;
export const MOUNT_ATTR_NODEV = 0x4;
export const MOUNT_ATTR_NOEXEC = 0x8;
/** A field of its own: how access times are kept. */
export const MOUNT_ATTR__ATIME = 0x70;
export const MOUNT_ATTR_RELATIME = 0x0;
export const MOUNT_ATTR_NOATIME = 0x10;
export const MOUNT_ATTR_STRICTATIME = 0x20;
export const MOUNT_ATTR_NODIRATIME = 0x80;
export const MOUNT_ATTR_IDMAP = 0x10_0000;
export const MOUNT_ATTR_NOSYMFOLLOW = 0x20_0000;
export const mountAttrFlags = new FlagSet(
  {
    MOUNT_ATTR_RDONLY,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NODIRATIME,
    MOUNT_ATTR_IDMAP,
    MOUNT_ATTR_NOSYMFOLLOW,
  },
  { mask: MOUNT_ATTR__ATIME, values: { MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME } },
);

export const mount_attr = struct({ attr_set: u64, attr_clr: u64, propagation: u64, userns_fd: u64 });
export const MOUNT_ATTR_SIZE_VER0 = 32;
