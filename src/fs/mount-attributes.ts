/** MOUNT_ATTR_*, as fsmount(2) and mount_setattr(2) write the flags of a mount. */
import { EINVAL } from '../uapi/errno.js';
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_RELATIME,
  MOUNT_ATTR_STRICTATIME,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
} from '../uapi/mount.js';

const bits: readonly (readonly [attribute: number, flag: number])[] = [
  [MOUNT_ATTR_RDONLY, MS_RDONLY],
  [MOUNT_ATTR_NOSUID, MS_NOSUID],
  [MOUNT_ATTR_NODEV, MS_NODEV],
  [MOUNT_ATTR_NOEXEC, MS_NOEXEC],
  [MOUNT_ATTR_NODIRATIME, MS_NODIRATIME],
  [MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW],
];
const KNOWN = bits.reduce((mask, [attribute]) => mask | attribute, MOUNT_ATTR__ATIME);

/** The flags of the attributes but for those of access times. EINVAL for unknown ones. */
export function plainFlags(attributes: number): number {
  if ((attributes & ~KNOWN) !== 0) throw EINVAL;
  let flags = 0;
  for (const [attribute, flag] of bits) if ((attributes & attribute) !== 0) flags |= flag;
  return flags;
}

/** The flags of how access times are kept: one of three ways. */
export function atimeFlags(attributes: number): number {
  switch (attributes & MOUNT_ATTR__ATIME) {
    case MOUNT_ATTR_RELATIME:
      return MS_RELATIME;
    case MOUNT_ATTR_NOATIME:
      return MS_NOATIME;
    case MOUNT_ATTR_STRICTATIME:
      return 0;
    default:
      throw EINVAL;
  }
}

export const mountFlagsOfAttributes = (attributes: number): number =>
  plainFlags(attributes) | atimeFlags(attributes);
