/** What ext2, ext3 and ext4 have on disk: Documentation/filesystems/ext4, ext4(5). All little-endian. */
import { array, bytes, cstring, struct, u16, u32, u64, u8 } from '../../lib/struct.js';

export const EXT4_SUPER_MAGIC = 0xef53;
export const SUPER_OFFSET = 1024;
export const SUPER_SIZE = 1024;

export const ext4_super_block = struct(
  {
    s_inodes_count: u32,
    s_blocks_count_lo: u32,
    s_r_blocks_count_lo: u32,
    s_free_blocks_count_lo: u32,
    s_free_inodes_count: u32,
    s_first_data_block: u32,
    s_log_block_size: u32,
    s_log_cluster_size: u32,
    s_blocks_per_group: u32,
    s_clusters_per_group: u32,
    s_inodes_per_group: u32,
    s_mtime: u32,
    s_wtime: u32,
    s_mnt_count: u16,
    s_max_mnt_count: u16,
    s_magic: u16,
    s_state: u16,
    s_errors: u16,
    s_minor_rev_level: u16,
    s_lastcheck: u32,
    s_checkinterval: u32,
    s_creator_os: u32,
    s_rev_level: u32,
    s_def_resuid: u16,
    s_def_resgid: u16,
    s_first_ino: u32,
    s_inode_size: u16,
    s_block_group_nr: u16,
    s_feature_compat: u32,
    s_feature_incompat: u32,
    s_feature_ro_compat: u32,
    s_uuid: bytes(16),
    s_volume_name: cstring(16),
    s_last_mounted: cstring(64),
    s_algorithm_usage_bitmap: u32,
    s_prealloc_blocks: u8,
    s_prealloc_dir_blocks: u8,
    s_reserved_gdt_blocks: u16,
    s_journal_uuid: bytes(16),
    s_journal_inum: u32,
    s_journal_dev: u32,
    s_last_orphan: u32,
    s_hash_seed: array(u32, 4),
    s_def_hash_version: u8,
    s_jnl_backup_type: u8,
    s_desc_size: u16,
    s_default_mount_opts: u32,
    s_first_meta_bg: u32,
    s_mkfs_time: u32,
    s_jnl_blocks: array(u32, 17),
    s_blocks_count_hi: u32,
    s_r_blocks_count_hi: u32,
    s_free_blocks_count_hi: u32,
    s_min_extra_isize: u16,
    s_want_extra_isize: u16,
    s_flags: u32,
    s_raid_stride: u16,
    s_mmp_update_interval: u16,
    s_mmp_block: u64,
    s_raid_stripe_width: u32,
    s_log_groups_per_flex: u8,
    s_checksum_type: u8,
    s_encryption_level: u8,
    s_reserved_pad: u8,
    s_kbytes_written: u64,
    s_snapshot: bytes(20),
    s_error_count: u32,
    s_first_error_time: u32,
    s_first_error_ino: u32,
    s_first_error_block: u64,
    s_first_error_func: cstring(32),
    s_first_error_line: u32,
    s_last_error_time: u32,
    s_last_error_ino: u32,
    s_last_error_line: u32,
    s_last_error_block: u64,
    s_last_error_func: cstring(32),
    s_mount_opts: cstring(64),
    s_usr_quota_inum: u32,
    s_grp_quota_inum: u32,
    s_overhead_blocks: u32,
    s_backup_bgs: array(u32, 2),
    s_encrypt_algos: bytes(4),
    s_encrypt_pw_salt: bytes(16),
    s_lpf_ino: u32,
    s_prj_quota_inum: u32,
    s_checksum_seed: u32,
    s_times_hi: bytes(8),
    s_encoding: u16,
    s_encoding_flags: u16,
    s_orphan_file_inum: u32,
    s_reserved: bytes(376),
    s_checksum: u32,
  },
  { packed: true, size: SUPER_SIZE },
);

/** s_state. */
export const EXT4_VALID_FS = 1;
export const EXT4_ERROR_FS = 2;
/** s_errors. */
export const EXT4_ERRORS_CONTINUE = 1;
export const EXT4_ERRORS_RO = 2;
export const EXT4_ERRORS_PANIC = 3;

/** s_feature_compat: may be ignored. */
export const COMPAT_HAS_JOURNAL = 0x4;
export const COMPAT_DIR_INDEX = 0x20;
export const COMPAT_SPARSE_SUPER2 = 0x200;
/** s_feature_incompat: must be known. */
export const INCOMPAT_FILETYPE = 0x2;
export const INCOMPAT_RECOVER = 0x4;
export const INCOMPAT_JOURNAL_DEV = 0x8;
export const INCOMPAT_META_BG = 0x10;
export const INCOMPAT_EXTENTS = 0x40;
export const INCOMPAT_64BIT = 0x80;
export const INCOMPAT_FLEX_BG = 0x200;
export const INCOMPAT_CSUM_SEED = 0x2000;
export const INCOMPAT_LARGEDIR = 0x4000;
export const INCOMPAT_INLINE_DATA = 0x8000;
export const INCOMPAT_SUPPORTED =
  INCOMPAT_FILETYPE |
  INCOMPAT_RECOVER |
  INCOMPAT_META_BG |
  INCOMPAT_EXTENTS |
  INCOMPAT_64BIT |
  INCOMPAT_FLEX_BG |
  INCOMPAT_CSUM_SEED |
  INCOMPAT_INLINE_DATA;
/** s_feature_ro_compat: must be known to write. */
export const RO_COMPAT_SPARSE_SUPER = 0x1;
export const RO_COMPAT_LARGE_FILE = 0x2;
export const RO_COMPAT_HUGE_FILE = 0x8;
export const RO_COMPAT_GDT_CSUM = 0x10;
export const RO_COMPAT_DIR_NLINK = 0x20;
export const RO_COMPAT_EXTRA_ISIZE = 0x40;
export const RO_COMPAT_METADATA_CSUM = 0x400;
export const RO_COMPAT_SUPPORTED =
  RO_COMPAT_SPARSE_SUPER |
  RO_COMPAT_LARGE_FILE |
  RO_COMPAT_HUGE_FILE |
  RO_COMPAT_GDT_CSUM |
  RO_COMPAT_DIR_NLINK |
  RO_COMPAT_EXTRA_ISIZE |
  RO_COMPAT_METADATA_CSUM;

/** A group descriptor; the fields from bg_block_bitmap_hi on are there with 64BIT only. */
export const ext4_group_desc = struct({
  bg_block_bitmap_lo: u32,
  bg_inode_bitmap_lo: u32,
  bg_inode_table_lo: u32,
  bg_free_blocks_count_lo: u16,
  bg_free_inodes_count_lo: u16,
  bg_used_dirs_count_lo: u16,
  bg_flags: u16,
  bg_exclude_bitmap_lo: u32,
  bg_block_bitmap_csum_lo: u16,
  bg_inode_bitmap_csum_lo: u16,
  bg_itable_unused_lo: u16,
  bg_checksum: u16,
  bg_block_bitmap_hi: u32,
  bg_inode_bitmap_hi: u32,
  bg_inode_table_hi: u32,
  bg_free_blocks_count_hi: u16,
  bg_free_inodes_count_hi: u16,
  bg_used_dirs_count_hi: u16,
  bg_itable_unused_hi: u16,
  bg_exclude_bitmap_hi: u32,
  bg_block_bitmap_csum_hi: u16,
  bg_inode_bitmap_csum_hi: u16,
  bg_reserved: u32,
});
export const SMALL_DESC_SIZE = 32;
/** bg_flags: the bitmap on disk says nothing yet. */
export const BG_INODE_UNINIT = 1;
export const BG_BLOCK_UNINIT = 2;

export const EXT4_ROOT_INO = 2;
export const SMALL_INODE_SIZE = 128;
export const BLOCK_AREA = 60;

export const ext4_inode = struct({
  i_mode: u16,
  i_uid: u16,
  i_size_lo: u32,
  i_atime: u32,
  i_ctime: u32,
  i_mtime: u32,
  i_dtime: u32,
  i_gid: u16,
  i_links_count: u16,
  i_blocks_lo: u32,
  i_flags: u32,
  i_version: u32,
  i_block: bytes(BLOCK_AREA),
  i_generation: u32,
  i_file_acl_lo: u32,
  i_size_high: u32,
  i_obso_faddr: u32,
  i_blocks_high: u16,
  i_file_acl_high: u16,
  i_uid_high: u16,
  i_gid_high: u16,
  i_checksum_lo: u16,
  i_reserved: u16,
  i_extra_isize: u16,
  i_checksum_hi: u16,
  i_ctime_extra: u32,
  i_mtime_extra: u32,
  i_atime_extra: u32,
  i_crtime: u32,
  i_crtime_extra: u32,
  i_version_hi: u32,
  i_projid: u32,
});

/** The head of a node of an extent tree. */
export const EXT4_EXT_MAGIC = 0xf30a;
export const EXTENT_SIZE = 12;
export const ext4_extent_header = struct({
  eh_magic: u16,
  eh_entries: u16,
  eh_max: u16,
  eh_depth: u16,
  eh_generation: u32,
});
/** An entry of a leaf. A length beyond EXTENT_MOST means "not written yet". */
export const ext4_extent = struct({
  ee_block: u32,
  ee_len: u16,
  ee_start_hi: u16,
  ee_start_lo: u32,
});
export const EXTENT_MOST = 32768;
/** An entry of an inner node. */
export const ext4_extent_idx = struct({
  ei_block: u32,
  ei_leaf_lo: u32,
  ei_leaf_hi: u16,
  ei_unused: u16,
});

/** The fixed part of a directory entry. */
export const ext4_dir_entry_2 = struct({ inode: u32, rec_len: u16, name_len: u8, file_type: u8 });
export const DIR_HEAD = 8;
/** What looks like an entry at the end of a block, and holds the checksum. */
export const DIR_TAIL = 12;
export const DIR_TAIL_TYPE = 0xde;

/** Extended attributes. */
export const EXT4_XATTR_MAGIC = 0xea02_0000;
export const ext4_xattr_header = struct({
  h_magic: u32,
  h_refcount: u32,
  h_blocks: u32,
  h_hash: u32,
  h_checksum: u32,
  h_reserved: array(u32, 3),
});
export const ext4_xattr_entry = struct({
  e_name_len: u8,
  e_name_index: u8,
  e_value_offs: u16,
  e_value_inum: u32,
  e_value_size: u32,
  e_hash: u32,
});
