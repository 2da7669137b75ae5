/**
 * Which credentials a task has after execve(2): set-user-ID and set-group-ID files, file capabilities, ambient ones, and
 * root's. capabilities(7), "Transformation of capabilities during execve()"; cap_bprm_creds_from_file() of Linux.
 */
import { CAP_SETUID } from '../uapi/capability.js';
import { EPERM } from '../uapi/errno.js';
import { SECBIT_KEEP_CAPS, SECBIT_NOROOT } from '../uapi/securebits.js';
import { S_ISGID, S_ISUID, S_IXGRP } from '../uapi/stat.js';
import { intersection, isEmpty, isSubset, makeSet, union, without } from './capability-set.js';
import { type CapabilitySet, type Credentials, capable, noCapabilities } from './credentials.js';

/** The capabilities of a file: its extended attribute security.capability. */
export interface FileCapabilities {
  readonly permitted: CapabilitySet;
  readonly inheritable: CapabilitySet;
  /** Those that it gains are effective at once. */
  readonly effective: boolean;
}

/** What there is to know of the program's file. */
export interface FilePrivileges {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly capabilities: FileCapabilities | undefined;
  /** It is on a mount with MS_NOSUID. */
  readonly noSuid: boolean;
}

/** What makes it unsafe to gain privileges. */
export interface Unsafe {
  /** Somebody outside the process shares its root and working directory, or an unprivileged tracer watches. */
  readonly observed: boolean;
}

export interface NewCredentials {
  readonly credentials: Credentials;
  /** AT_SECURE: the C library must not trust the environment. */
  readonly secure: boolean;
  /** It runs as somebody else, or with more than before. */
  readonly gained: boolean;
}

const VFS_CAP_REVISION_MASK = 0xff00_0000;
const VFS_CAP_REVISION_1 = 0x0100_0000;
const VFS_CAP_REVISION_2 = 0x0200_0000;
const VFS_CAP_REVISION_3 = 0x0300_0000;
const VFS_CAP_FLAGS_EFFECTIVE = 0x1;
/** Bytes of the attribute by revision. */
const sizes: Readonly<Record<number, number>> = {
  [VFS_CAP_REVISION_1]: 12,
  [VFS_CAP_REVISION_2]: 20,
  [VFS_CAP_REVISION_3]: 24,
};

/** Decodes the attribute; undefined when it is damaged, or of another user namespace (revision 3 with a root ID). */
export function parseFileCapabilities(bytes: Uint8Array): FileCapabilities | undefined {
  if (bytes.length < 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0, true);
  const revision = (magic & VFS_CAP_REVISION_MASK) >>> 0;
  if (sizes[revision] !== bytes.length) return undefined;
  if (revision === VFS_CAP_REVISION_3 && view.getUint32(20, true) !== 0) return undefined;
  const high = (at: number): number => (revision === VFS_CAP_REVISION_1 ? 0 : view.getUint32(at, true));
  return {
    permitted: makeSet(view.getUint32(4, true), high(12)),
    inheritable: makeSet(view.getUint32(8, true), high(16)),
    effective: (magic & VFS_CAP_FLAGS_EFFECTIVE) !== 0,
  };
}

/** The credentials of the new program. EPERM when the file needs capabilities that the bounding set does not allow. */
export function credentialsForExec(old: Credentials, file: FilePrivileges, unsafe: Unsafe): NewCredentials {
  let { euid, egid } = setIds(old, file);
  const capabilities = file.noSuid ? undefined : file.capabilities;
  let permitted = permittedByFile(old, capabilities);
  let effective = capabilities?.effective === true;
  // A set-user-ID-root file with capabilities of its own gives an ordinary user only these.
  const onlyFile = capabilities !== undefined && old.uid !== 0 && euid === 0;
  if ((old.securebits & SECBIT_NOROOT) === 0 && !onlyFile) {
    if (euid === 0 || old.uid === 0) permitted = union(old.bounding, old.inheritable);
    if (euid === 0) effective = true;
  }

  const setId = euid !== old.uid || egid !== old.gid;
  const grown = !isSubset(permitted, old.permitted);
  if ((setId || grown) && (unsafe.observed || old.noNewPrivileges)) {
    if (!capable(old, CAP_SETUID) || old.noNewPrivileges) {
      euid = old.uid;
      egid = old.gid;
    }
    permitted = intersection(permitted, old.permitted);
  }
  const ambient = capabilities !== undefined || setId ? noCapabilities : old.ambient;
  permitted = union(permitted, ambient);
  const beyondAmbient = !isEmpty(without(permitted, ambient));
  return {
    credentials: {
      ...old,
      euid,
      suid: euid,
      fsuid: euid,
      egid,
      sgid: egid,
      fsgid: egid,
      permitted,
      effective: effective ? permitted : ambient,
      ambient,
      securebits: old.securebits & ~SECBIT_KEEP_CAPS,
    },
    secure: setId || (old.uid !== 0 && (effective || beyondAmbient)),
    gained: setId || grown,
  };
}

/** The effective IDs that the file's mode gives. */
function setIds(
  old: Credentials,
  { mode, uid, gid, noSuid }: FilePrivileges,
): { euid: number; egid: number } {
  if (noSuid || old.noNewPrivileges) return { euid: old.euid, egid: old.egid };
  return {
    euid: (mode & S_ISUID) === 0 ? old.euid : uid,
    // Without execute permission for the group, the bit stands for mandatory locking.
    egid: (mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP) ? gid : old.egid,
  };
}

/** P'(permitted) = (P(inheritable) & F(inheritable)) | (P(bounding) & F(permitted)). */
function permittedByFile(old: Credentials, file: FileCapabilities | undefined): CapabilitySet {
  if (file === undefined) return noCapabilities;
  const permitted = union(
    intersection(old.bounding, file.permitted),
    intersection(old.inheritable, file.inheritable),
  );
  // A program that relies on capabilities without knowing of them would misbehave with fewer.
  if (file.effective && !isSubset(file.permitted, permitted)) throw EPERM;
  return permitted;
}
