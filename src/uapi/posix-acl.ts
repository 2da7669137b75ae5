/** acl(5) as extended attributes: linux/posix_acl.h, linux/posix_acl_xattr.h. */
import { struct, u16, u32 } from '../lib/struct.js';

export const POSIX_ACL_XATTR_VERSION = 0x2;
/** The value of system.posix_acl_access or _default: this, and an entry for each. */
export const posix_acl_xattr_header = struct({ a_version: u32 });
export const posix_acl_xattr_entry = struct({ e_tag: u16, e_perm: u16, e_id: u32 });

export const ACL_TYPE_ACCESS = 0x8000;
export const ACL_TYPE_DEFAULT = 0x4000;
export const ACL_USER_OBJ = 0x1;
export const ACL_USER = 0x2;
export const ACL_GROUP_OBJ = 0x4;
export const ACL_GROUP = 0x8;
export const ACL_MASK = 0x10;
export const ACL_OTHER = 0x20;
export const ACL_READ = 0x4;
export const ACL_WRITE = 0x2;
export const ACL_EXECUTE = 0x1;
/** The identifier of entries that have none. */
export const ACL_UNDEFINED_ID = 0xffff_ffff;
