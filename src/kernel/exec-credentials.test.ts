import { expect, test } from 'vitest';
import { CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_SYS_ADMIN } from '../uapi/capability.js';
import { EPERM } from '../uapi/errno.js';
import { SECBIT_KEEP_CAPS, SECBIT_NOROOT } from '../uapi/securebits.js';
import { single, union } from './capability-set.js';
import { type Credentials, allCapabilities, noCapabilities, rootCredentials } from './credentials.js';
import { type FilePrivileges, credentialsForExec, parseFileCapabilities } from './exec-credentials.js';

const plain: FilePrivileges = { mode: 0o100755, uid: 0, gid: 0, capabilities: undefined, noSuid: false };
const unobserved = { observed: false };

const user: Credentials = {
  ...rootCredentials,
  uid: 1000,
  euid: 1000,
  suid: 1000,
  fsuid: 1000,
  gid: 1000,
  egid: 1000,
  sgid: 1000,
  fsgid: 1000,
  permitted: noCapabilities,
  effective: noCapabilities,
};

test('a user stays who he is', () => {
  const { credentials, secure } = credentialsForExec(user, plain, unobserved);
  expect(credentials).toEqual(user);
  expect(secure).toBe(false);
});

test('root has all capabilities', () => {
  const reduced = { ...rootCredentials, permitted: noCapabilities, effective: noCapabilities };
  const { credentials, secure } = credentialsForExec(reduced, plain, unobserved);
  expect(credentials.effective).toEqual(allCapabilities);
  expect(secure).toBe(false);
});

test('SECBIT_NOROOT: root is nobody special', () => {
  const { credentials } = credentialsForExec(
    { ...rootCredentials, securebits: SECBIT_NOROOT },
    plain,
    unobserved,
  );
  expect(credentials.permitted).toEqual(noCapabilities);
});

test('a set-user-ID-root file makes root of the effective and saved ID, and is secure', () => {
  const { credentials, secure } = credentialsForExec(user, { ...plain, mode: 0o104755 }, unobserved);
  expect(credentials).toMatchObject({ uid: 1000, euid: 0, suid: 0, fsuid: 0, egid: 1000 });
  expect(credentials.effective).toEqual(allCapabilities);
  expect(secure).toBe(true);
});

test('a set-group-ID file needs the execute bit of the group', () => {
  const run = (mode: number): number =>
    credentialsForExec(user, { ...plain, mode, gid: 5 }, unobserved).credentials.egid;
  expect(run(0o102755)).toBe(5);
  expect(run(0o102705)).toBe(1000);
});

test.each([
  ['no_new_privs', { ...user, noNewPrivileges: true }, { ...plain, mode: 0o104755 }, unobserved],
  ['a nosuid mount', user, { ...plain, mode: 0o104755, noSuid: true }, unobserved],
  ['an observer', user, { ...plain, mode: 0o104755 }, { observed: true }],
])('%s: nothing is gained', (_name, credentials, file, unsafe) => {
  const result = credentialsForExec(credentials, file, unsafe);
  expect(result.credentials).toMatchObject({ euid: 1000, egid: 1000, permitted: noCapabilities });
  // What the caller's environment holds may still be aimed at the file's owner.
  expect(result.secure).toBe(unsafe.observed);
});

test('file capabilities are gained within the bounding set', () => {
  const capabilities = {
    permitted: single(CAP_NET_RAW),
    inheritable: single(CAP_SYS_ADMIN),
    effective: true,
  };
  const { credentials, secure } = credentialsForExec(user, { ...plain, capabilities }, unobserved);
  expect(credentials.permitted).toEqual(single(CAP_NET_RAW));
  expect(credentials.effective).toEqual(single(CAP_NET_RAW));
  expect(secure).toBe(true);
  const bounded = { ...user, bounding: noCapabilities };
  expect(() => credentialsForExec(bounded, { ...plain, capabilities }, unobserved)).toThrow(EPERM as never);
});

test('ambient capabilities survive an ordinary file, and no privileged one', () => {
  const set = single(CAP_NET_BIND_SERVICE);
  const holder = { ...user, permitted: set, inheritable: set, ambient: set, securebits: SECBIT_KEEP_CAPS };
  const ordinary = credentialsForExec(holder, plain, unobserved);
  expect(ordinary.credentials).toMatchObject({ permitted: set, effective: set, ambient: set, securebits: 0 });
  expect(ordinary.secure).toBe(false);
  const setGid = credentialsForExec(holder, { ...plain, mode: 0o102755, gid: 5 }, unobserved);
  expect(setGid.credentials).toMatchObject({ permitted: noCapabilities, ambient: noCapabilities });
});

test('security.capability of revision 2', () => {
  const bytes = new Uint8Array(20);
  new DataView(bytes.buffer).setUint32(0, 0x0200_0001, true);
  new DataView(bytes.buffer).setUint32(4, 1 << CAP_NET_RAW, true);
  new DataView(bytes.buffer).setUint32(16, 1, true);
  expect(parseFileCapabilities(bytes)).toEqual({
    permitted: single(CAP_NET_RAW),
    inheritable: single(32),
    effective: true,
  });
  expect(parseFileCapabilities(bytes.subarray(0, 12))).toBeUndefined();
  expect(union(single(0), single(33))).toEqual({ lo: 1, hi: 2 });
});
