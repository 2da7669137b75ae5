import { expect, test } from 'vitest';
import { CAP_CHOWN, CAP_SYS_ADMIN } from '../uapi/capability.js';
import { SECBIT_KEEP_CAPS, SECBIT_NO_SETUID_FIXUP } from '../uapi/securebits.js';
import { holds, single } from './capability-set.js';
import { fixCapabilities, fixFileSystemCapabilities } from './cred.js';
import { type Credentials, allCapabilities, noCapabilities, rootCredentials } from './credentials.js';

const users = (uid: number, euid: number, suid: number, from = rootCredentials): Credentials => ({
  ...from,
  uid,
  euid,
  suid,
  fsuid: euid,
});

test('root gives all capabilities up with its last user ID', () => {
  const { permitted, effective } = fixCapabilities(rootCredentials, users(1, 2, 3));
  expect([permitted, effective]).toEqual([noCapabilities, noCapabilities]);
});

test('with a saved root ID, they stay permitted', () => {
  const dropped = fixCapabilities(rootCredentials, users(0, 1000, 0));
  expect(dropped).toMatchObject({ permitted: allCapabilities, effective: noCapabilities });
  const regained = fixCapabilities(dropped, { ...dropped, euid: 0 });
  expect(regained.effective).toEqual(allCapabilities);
});

test('SECBIT_KEEP_CAPS keeps what is permitted, but no ambient ones', () => {
  const ambient = single(CAP_CHOWN);
  const old = { ...rootCredentials, securebits: SECBIT_KEEP_CAPS, inheritable: ambient, ambient };
  expect(fixCapabilities(old, users(1, 1, 1, old))).toMatchObject({
    permitted: allCapabilities,
    effective: noCapabilities,
    ambient: noCapabilities,
  });
});

test('SECBIT_NO_SETUID_FIXUP: user IDs and capabilities have nothing to do with each other', () => {
  const old = { ...rootCredentials, securebits: SECBIT_NO_SETUID_FIXUP };
  expect(fixCapabilities(old, users(1, 1, 1, old)).effective).toEqual(allCapabilities);
});

test('the file-system ID takes the capabilities on files along', () => {
  const left = fixFileSystemCapabilities(rootCredentials, { ...rootCredentials, fsuid: 5 });
  expect(holds(left.effective, CAP_CHOWN)).toBe(false);
  expect(holds(left.effective, CAP_SYS_ADMIN)).toBe(true);
  expect(fixFileSystemCapabilities(left, { ...left, fsuid: 0 }).effective).toEqual(allCapabilities);
});
