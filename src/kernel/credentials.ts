/** Credentials of a task: immutable; a change makes a new object, which tasks and open files share. credentials(7). */

/** Capability sets as two words: capabilities(7). */
export interface CapabilitySet {
  readonly lo: number;
  readonly hi: number;
}

export const noCapabilities: CapabilitySet = { lo: 0, hi: 0 };
/** CAP_LAST_CAP is 40 (CAP_CHECKPOINT_RESTORE). */
export const allCapabilities: CapabilitySet = { lo: 0xffff_ffff, hi: 0x1ff };

export interface Credentials {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  readonly permitted: CapabilitySet;
  readonly effective: CapabilitySet;
  readonly inheritable: CapabilitySet;
  readonly bounding: CapabilitySet;
  readonly ambient: CapabilitySet;
  /** SECBIT_* */
  readonly securebits: number;
  readonly noNewPrivileges: boolean;
}

export const rootCredentials: Credentials = {
  uid: 0,
  euid: 0,
  suid: 0,
  fsuid: 0,
  gid: 0,
  egid: 0,
  sgid: 0,
  fsgid: 0,
  groups: [],
  permitted: allCapabilities,
  effective: allCapabilities,
  inheritable: noCapabilities,
  bounding: allCapabilities,
  ambient: noCapabilities,
  securebits: 0,
  noNewPrivileges: false,
};

/** Whether the effective set holds a capability (CAP_*). */
export function capable(credentials: Credentials, capability: number): boolean {
  const { lo, hi } = credentials.effective;
  return ((capability < 32 ? lo >>> capability : hi >>> (capability - 32)) & 1) === 1;
}

/** Whether `gid` is the file-system group or a supplementary one. */
export function inGroup(credentials: Credentials, gid: number): boolean {
  return credentials.fsgid === gid || credentials.groups.includes(gid);
}
