/** Secure bits of prctl(2) PR_SET_SECUREBITS, capabilities(7): linux/securebits.h. */

export const SECBIT_NOROOT = 0x1;
export const SECBIT_NOROOT_LOCKED = 0x2;
export const SECBIT_NO_SETUID_FIXUP = 0x4;
export const SECBIT_NO_SETUID_FIXUP_LOCKED = 0x8;
export const SECBIT_KEEP_CAPS = 0x10;
export const SECBIT_KEEP_CAPS_LOCKED = 0x20;
export const SECBIT_NO_CAP_AMBIENT_RAISE = 0x40;
export const SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED = 0x80;

/** Each bit is followed by the one that locks it. */
export const SECURE_ALL_BITS =
  SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS | SECBIT_NO_CAP_AMBIENT_RAISE;
export const SECURE_ALL_LOCKS = SECURE_ALL_BITS << 1;
export const SECUREBITS_DEFAULT = 0x0;
