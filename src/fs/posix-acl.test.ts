import { describe, expect, test } from 'vitest';
import {
  ACL_GROUP,
  ACL_GROUP_OBJ,
  ACL_MASK,
  ACL_OTHER,
  ACL_UNDEFINED_ID,
  ACL_USER,
  ACL_USER_OBJ,
} from '../uapi/posix-acl.js';
import { sys_access } from './access.js';
import { sys_mkdir } from './create.js';
import { type Acl, encodeAcl } from './posix-acl.js';
import { TreeMachine, userCredentials } from './testing-tree.js';
import { sys_setxattr } from './xattr.js';

const entry = (tag: number, perm: number, id = ACL_UNDEFINED_ID): Acl[number] => ({ tag, perm, id });

/** The accesses that a user has, as digits: 4 read, 2 write, 1 execute. */
function accessOf(acl: Acl, uid: number, gid: number, groups: readonly number[] = []): number {
  const machine = new TreeMachine();
  machine.sys(sys_mkdir, '/d', 0o777);
  const value = encodeAcl(acl);
  expect(machine.sys(sys_setxattr, '/d', 'system.posix_acl_access', value, value.length, 0)).toBe(0);
  const user = machine.newRooted(userCredentials(uid, gid, groups));
  return [4, 2, 1].reduce(
    (sum, bit) => sum + (machine.sysAs(user, sys_access, '/d', bit) === 0 ? bit : 0),
    0,
  );
}

describe('a list', () => {
  const acl: Acl = [
    entry(ACL_USER_OBJ, 7),
    entry(ACL_USER, 6, 1001),
    entry(ACL_USER, 0, 1002),
    entry(ACL_GROUP_OBJ, 5),
    entry(ACL_GROUP, 2, 500),
    entry(ACL_GROUP, 4, 501),
    entry(ACL_MASK, 6),
    entry(ACL_OTHER, 1),
  ];
  test('gives a named user what is named, as far as the mask goes', () => {
    expect(accessOf(acl, 1001, 1)).toBe(6);
    expect(accessOf([...acl.slice(0, 6), entry(ACL_MASK, 4), entry(ACL_OTHER, 1)], 1001, 1)).toBe(4);
  });
  test('can refuse a named user what all others have', () => {
    expect(accessOf(acl, 1002, 1, [500, 501])).toBe(0);
  });
  test('gives members of groups what any one of the groups has', () => {
    expect(accessOf(acl, 1, 500)).toBe(2);
    expect(accessOf(acl, 1, 7, [500, 501])).toBe(6);
    expect(accessOf(acl, 1, 0)).toBe(4);
  });
  test('gives others what is left, and not to members', () => {
    expect(accessOf(acl, 1, 1)).toBe(1);
    expect(accessOf(acl, 1, 501)).toBe(4);
  });
});
