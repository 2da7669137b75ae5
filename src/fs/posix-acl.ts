/**
 * Access control lists: acl(5). User space reads and writes them as extended attributes; here they are entries, in the order
 * that a list must have: the owner, users, the owning group, groups, the mask, others. Linux's posix_acl.c.
 */
import { inGroup, type Credentials } from '../kernel/credentials.js';
import { EINVAL, EOPNOTSUPP } from '../uapi/errno.js';
import {
  ACL_GROUP,
  ACL_GROUP_OBJ,
  ACL_MASK,
  ACL_OTHER,
  ACL_UNDEFINED_ID,
  ACL_USER,
  ACL_USER_OBJ,
  posix_acl_xattr_entry,
  posix_acl_xattr_header,
  POSIX_ACL_XATTR_VERSION,
} from '../uapi/posix-acl.js';
import { S_IRWXUGO } from '../uapi/stat.js';

export interface AclEntry {
  /** ACL_USER_OBJ, ... */
  readonly tag: number;
  /** Three bits, as in a mode. */
  readonly perm: number;
  /** Of a user or group; else ACL_UNDEFINED_ID. */
  readonly id: number;
}

export type Acl = readonly AclEntry[];

/** Those of an inode: who may do what, and what new entries of a directory get. */
export interface AccessControl {
  readonly access?: Acl | undefined;
  readonly default?: Acl | undefined;
}

/** From the bytes of an attribute. Undefined: there are no entries, so that there is to be no list. */
export function parseAcl(bytes: Uint8Array): Acl | undefined {
  const header = posix_acl_xattr_header.size;
  if (bytes.length < header) throw EINVAL;
  if (posix_acl_xattr_header.decode(bytes).a_version !== POSIX_ACL_XATTR_VERSION) throw EOPNOTSUPP;
  const rest = bytes.length - header;
  if (rest % posix_acl_xattr_entry.size !== 0) throw EINVAL;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: AclEntry[] = [];
  for (let at = header; at < bytes.length; at += posix_acl_xattr_entry.size) {
    const { e_tag: tag, e_perm: perm, e_id } = posix_acl_xattr_entry.read(view, at);
    const id = tag === ACL_USER || tag === ACL_GROUP ? e_id : ACL_UNDEFINED_ID;
    entries.push({ tag, perm, id });
  }
  if (entries.length === 0) return undefined;
  checkAcl(entries);
  return entries;
}

export function encodeAcl(acl: Acl): Uint8Array {
  const { size } = posix_acl_xattr_entry;
  const bytes = new Uint8Array(posix_acl_xattr_header.size + acl.length * size);
  const view = new DataView(bytes.buffer);
  posix_acl_xattr_header.write(view, 0, { a_version: POSIX_ACL_XATTR_VERSION });
  for (const [index, { tag, perm, id }] of acl.entries())
    posix_acl_xattr_entry.write(view, posix_acl_xattr_header.size + index * size, {
      e_tag: tag,
      e_perm: perm,
      e_id: id,
    });
  return bytes;
}

/** The tags in their order; those of named users and groups may come any number of times. */
const order = [ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ, ACL_GROUP, ACL_MASK, ACL_OTHER];

/** EINVAL unless the entries are those of a list, in order; with named ones there must be a mask. */
function checkAcl(acl: Acl): void {
  let last = -1;
  for (const { tag, perm, id } of acl) {
    const place = order.indexOf(tag);
    const named = tag === ACL_USER || tag === ACL_GROUP;
    if (place < 0 || (perm & ~7) !== 0 || (named && id === ACL_UNDEFINED_ID)) throw EINVAL;
    if (place < last || (place === last && !named)) throw EINVAL;
    last = place;
  }
  const has = (tag: number): boolean => acl.some((entry) => entry.tag === tag);
  if (!has(ACL_USER_OBJ) || !has(ACL_GROUP_OBJ) || !has(ACL_OTHER)) throw EINVAL;
  if ((has(ACL_USER) || has(ACL_GROUP)) && !has(ACL_MASK)) throw EINVAL;
}

/** Whether a list grants an access: `mask` is of MAY_*, whose bits are those of a mode. */
export function aclGrants(
  acl: Acl,
  owner: { readonly uid: number; readonly gid: number },
  credentials: Credentials,
  mask: number,
): boolean {
  const limit = acl.find(({ tag }) => tag === ACL_MASK)?.perm ?? 7;
  const grants = (perm: number): boolean => (perm & mask) === mask;
  let member = false;
  for (const { tag, perm, id } of acl) {
    switch (tag) {
      case ACL_USER_OBJ:
        if (owner.uid === credentials.fsuid) return grants(perm);
        break;
      case ACL_USER:
        if (id === credentials.fsuid) return grants(perm & limit);
        break;
      case ACL_GROUP_OBJ:
      case ACL_GROUP:
        if (!inGroup(credentials, tag === ACL_GROUP ? id : owner.gid)) break;
        member = true;
        // One of one's groups that grants it is enough.
        if (grants(perm)) return grants(perm & limit);
        break;
      case ACL_OTHER:
        return !member && grants(perm);
    }
  }
  return false;
}

/** The permission bits that say the same, as far as bits can; and whether they say it all. */
export function equivalentMode(acl: Acl): { readonly bits: number; readonly whole: boolean } {
  let bits = 0;
  let whole = true;
  for (const { tag, perm } of acl) {
    if (tag === ACL_USER_OBJ) bits |= perm << 6;
    else if (tag === ACL_GROUP_OBJ) bits |= perm << 3;
    else if (tag === ACL_OTHER) bits |= perm;
    else whole = false;
    // The mask is what the bits of the group show.
    if (tag === ACL_MASK) bits = (bits & ~0o70) | (perm << 3);
  }
  return { bits, whole };
}

/** The list with the permissions that chmod(2) has set. */
export function aclWithMode(acl: Acl, mode: number): Acl {
  const hasMask = acl.some(({ tag }) => tag === ACL_MASK);
  return acl.map((entry) => {
    if (entry.tag === ACL_USER_OBJ) return { ...entry, perm: (mode >> 6) & 7 };
    if (entry.tag === (hasMask ? ACL_MASK : ACL_GROUP_OBJ)) return { ...entry, perm: (mode >> 3) & 7 };
    return entry.tag === ACL_OTHER ? { ...entry, perm: mode & 7 } : entry;
  });
}

/**
 * What a new inode gets from the default list of its directory, and its mode: what both the list and the call allow. The
 * umask has no say. Linux's posix_acl_create.
 */
export function inheritAcl(
  inherited: Acl,
  mode: number,
  isDirectory: boolean,
): { readonly mode: number; readonly control: AccessControl | undefined } {
  const { bits, whole } = equivalentMode(inherited);
  const allowed = mode & bits & S_IRWXUGO;
  const access = whole ? undefined : aclWithMode(inherited, allowed);
  const control =
    access === undefined && !isDirectory
      ? undefined
      : { access, default: isDirectory ? inherited : undefined };
  return { mode: (mode & ~S_IRWXUGO) | allowed, control };
}
