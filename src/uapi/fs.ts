/** Generic file system interfaces: linux/fs.h, linux/fiemap.h. */
import { FlagSet } from '../lib/flags.js';
import { array, bytes, s64, struct, u16, u32, u64 } from '../lib/struct.js';

export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

/** preadv2(2), pwritev2(2). */
export const RWF_HIPRI = 0x1;
export const RWF_DSYNC = 0x2;
export const RWF_SYNC = 0x4;
export const RWF_NOWAIT = 0x8;
export const RWF_APPEND = 0x10;
/** Linux 6.9. */
export const RWF_NOAPPEND = 0x20;
export const rwFlags = new FlagSet({ RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_NOWAIT, RWF_APPEND, RWF_NOAPPEND });

/** renameat2(2). */
export const RENAME_NOREPLACE = 0x1;
export const RENAME_EXCHANGE = 0x2;
export const RENAME_WHITEOUT = 0x4;
export const renameFlags = new FlagSet({ RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT });

/** sync_file_range(2). */
export const SYNC_FILE_RANGE_WAIT_BEFORE = 0x1;
export const SYNC_FILE_RANGE_WRITE = 0x2;
export const SYNC_FILE_RANGE_WAIT_AFTER = 0x4;
export const syncFileRangeFlags = new FlagSet({
  SYNC_FILE_RANGE_WAIT_BEFORE,
  SYNC_FILE_RANGE_WRITE,
  SYNC_FILE_RANGE_WAIT_AFTER,
});

/** splice(2), tee(2), vmsplice(2): include/linux/splice.h. */
export const SPLICE_F_MOVE = 0x1;
export const SPLICE_F_NONBLOCK = 0x2;
export const SPLICE_F_MORE = 0x4;
export const SPLICE_F_GIFT = 0x8;
export const spliceFlags = new FlagSet({ SPLICE_F_MOVE, SPLICE_F_NONBLOCK, SPLICE_F_MORE, SPLICE_F_GIFT });

/** Inode flags: lsattr(1). */
export const FS_IOC_GETFLAGS = 0x8008_6601;
export const FS_IOC_SETFLAGS = 0x4008_6602;
export const FS_IOC_GETVERSION = 0x8008_7601;
export const FS_IOC_SETVERSION = 0x4008_7602;
export const FS_IOC_FIEMAP = 0xc020_660b;
export const FS_IOC_FSGETXATTR = 0x801c_581f;
export const FS_IOC_FSSETXATTR = 0x401c_5820;
export const FS_IOC_GETFSLABEL = 0x8100_9431;
export const FS_IOC_SETFSLABEL = 0x4100_9432;
export const FSLABEL_MAX = 256;

export const FS_SECRM_FL = 0x1;
export const FS_UNRM_FL = 0x2;
export const FS_COMPR_FL = 0x4;
export const FS_SYNC_FL = 0x8;
export const FS_IMMUTABLE_FL = 0x10;
export const FS_APPEND_FL = 0x20;
export const FS_NODUMP_FL = 0x40;
export const FS_NOATIME_FL = 0x80;
export const FS_DIRTY_FL = 0x100;
export const FS_COMPRBLK_FL = 0x200;
export const FS_NOCOMP_FL = 0x400;
export const FS_ENCRYPT_FL = 0x800;
export const FS_BTREE_FL = 0x1000;
export const FS_INDEX_FL = 0x1000;
export const FS_IMAGIC_FL = 0x2000;
export const FS_JOURNAL_DATA_FL = 0x4000;
export const FS_NOTAIL_FL = 0x8000;
export const FS_DIRSYNC_FL = 0x1_0000;
export const FS_TOPDIR_FL = 0x2_0000;
export const FS_HUGE_FILE_FL = 0x4_0000;
export const FS_EXTENT_FL = 0x8_0000;
export const FS_VERITY_FL = 0x10_0000;
export const FS_EA_INODE_FL = 0x20_0000;
export const FS_EOFBLOCKS_FL = 0x40_0000;
export const FS_NOCOW_FL = 0x80_0000;
export const FS_DAX_FL = 0x200_0000;
export const FS_INLINE_DATA_FL = 0x1000_0000;
export const FS_PROJINHERIT_FL = 0x2000_0000;
export const FS_CASEFOLD_FL = 0x4000_0000;
export const FS_RESERVED_FL = 0x8000_0000;
export const inodeFlags = new FlagSet({
  FS_SECRM_FL,
  FS_UNRM_FL,
  FS_COMPR_FL,
  FS_SYNC_FL,
  FS_IMMUTABLE_FL,
  FS_APPEND_FL,
  FS_NODUMP_FL,
  FS_NOATIME_FL,
  FS_ENCRYPT_FL,
  FS_INDEX_FL,
  FS_IMAGIC_FL,
  FS_JOURNAL_DATA_FL,
  FS_NOTAIL_FL,
  FS_DIRSYNC_FL,
  FS_TOPDIR_FL,
  FS_HUGE_FILE_FL,
  FS_EXTENT_FL,
  FS_VERITY_FL,
  FS_EA_INODE_FL,
  FS_EOFBLOCKS_FL,
  FS_NOCOW_FL,
  FS_DAX_FL,
  FS_INLINE_DATA_FL,
  FS_PROJINHERIT_FL,
  FS_CASEFOLD_FL,
});
export const FS_FL_USER_VISIBLE = 0x3_dfff;
export const FS_FL_USER_MODIFIABLE = 0x3_80ff;

export const fsxattr = struct({
  fsx_xflags: u32,
  fsx_extsize: u32,
  fsx_nextents: u32,
  fsx_projid: u32,
  fsx_cowextsize: u32,
  fsx_pad: bytes(8),
});
export const FS_XFLAG_REALTIME = 0x1;
export const FS_XFLAG_PREALLOC = 0x2;
export const FS_XFLAG_IMMUTABLE = 0x8;
export const FS_XFLAG_APPEND = 0x10;
export const FS_XFLAG_SYNC = 0x20;
export const FS_XFLAG_NOATIME = 0x40;
export const FS_XFLAG_NODUMP = 0x80;
export const FS_XFLAG_RTINHERIT = 0x100;
export const FS_XFLAG_PROJINHERIT = 0x200;
export const FS_XFLAG_NOSYMLINKS = 0x400;
export const FS_XFLAG_EXTSIZE = 0x800;
export const FS_XFLAG_EXTSZINHERIT = 0x1000;
export const FS_XFLAG_NODEFRAG = 0x2000;
export const FS_XFLAG_FILESTREAM = 0x4000;
export const FS_XFLAG_DAX = 0x8000;
export const FS_XFLAG_COWEXTSIZE = 0x1_0000;
export const FS_XFLAG_HASATTR = 0x8000_0000;

export const fstrim_range = struct({ start: u64, len: u64, minlen: u64 });
export const file_clone_range = struct({ src_fd: s64, src_offset: u64, src_length: u64, dest_offset: u64 });
export const file_dedupe_range = struct({
  src_offset: u64,
  src_length: u64,
  dest_count: u16,
  reserved1: u16,
  reserved2: u32,
});

export const fiemap_extent = struct({
  fe_logical: u64,
  fe_physical: u64,
  fe_length: u64,
  fe_reserved64: array(u64, 2),
  fe_flags: u32,
  fe_reserved: array(u32, 3),
});
/** Followed by the extents. */
export const fiemap = struct({
  fm_start: u64,
  fm_length: u64,
  fm_flags: u32,
  fm_mapped_extents: u32,
  fm_extent_count: u32,
  fm_reserved: u32,
});
export const FIEMAP_FLAG_SYNC = 0x1;
export const FIEMAP_FLAG_XATTR = 0x2;
export const FIEMAP_FLAG_CACHE = 0x4;
export const FIEMAP_FLAGS_COMPAT = 0x3;
export const FIEMAP_EXTENT_LAST = 0x1;
export const FIEMAP_EXTENT_UNKNOWN = 0x2;
export const FIEMAP_EXTENT_DELALLOC = 0x4;
export const FIEMAP_EXTENT_ENCODED = 0x8;
export const FIEMAP_EXTENT_DATA_ENCRYPTED = 0x80;
export const FIEMAP_EXTENT_NOT_ALIGNED = 0x100;
export const FIEMAP_EXTENT_DATA_INLINE = 0x200;
export const FIEMAP_EXTENT_DATA_TAIL = 0x400;
export const FIEMAP_EXTENT_UNWRITTEN = 0x800;
export const FIEMAP_EXTENT_MERGED = 0x1000;
export const FIEMAP_EXTENT_SHARED = 0x2000;
export const fiemapFlags = new FlagSet({ FIEMAP_FLAG_SYNC, FIEMAP_FLAG_XATTR, FIEMAP_FLAG_CACHE });
