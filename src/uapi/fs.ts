/** lseek(2), renameat2(2), sync_file_range(2), inode flags (chattr(1)): linux/fs.h. */
import { FlagSet } from '../lib/flags.js';

export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

export const RENAME_NOREPLACE = 0x1;
export const RENAME_EXCHANGE = 0x2;
export const RENAME_WHITEOUT = 0x4;
export const renameFlags = new FlagSet({ RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT });

export const SYNC_FILE_RANGE_WAIT_BEFORE = 1;
export const SYNC_FILE_RANGE_WRITE = 2;
export const SYNC_FILE_RANGE_WAIT_AFTER = 4;
export const syncFileRangeFlags = new FlagSet({
  SYNC_FILE_RANGE_WAIT_BEFORE,
  SYNC_FILE_RANGE_WRITE,
  SYNC_FILE_RANGE_WAIT_AFTER,
});

export const FS_SECRM_FL = 0x1;
export const FS_UNRM_FL = 0x2;
export const FS_COMPR_FL = 0x4;
export const FS_SYNC_FL = 0x8;
export const FS_IMMUTABLE_FL = 0x10;
export const FS_APPEND_FL = 0x20;
export const FS_NODUMP_FL = 0x40;
export const FS_NOATIME_FL = 0x80;
export const FS_INDEX_FL = 0x1000;
export const FS_JOURNAL_DATA_FL = 0x4000;
export const FS_NOTAIL_FL = 0x8000;
export const FS_DIRSYNC_FL = 0x1_0000;
export const FS_TOPDIR_FL = 0x2_0000;
export const FS_HUGE_FILE_FL = 0x4_0000;
export const FS_EXTENT_FL = 0x8_0000;
export const FS_NOCOW_FL = 0x80_0000;
export const FS_PROJINHERIT_FL = 0x2000_0000;
/** What chattr may change. */
export const FS_FL_USER_MODIFIABLE = 0x0003_80ff;
export const FS_FL_USER_VISIBLE = 0x0003_dfff;
