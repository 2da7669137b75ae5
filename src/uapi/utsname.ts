/** uname(2): linux/utsname.h. */
import { cstring, struct } from '../lib/struct.js';

export const __NEW_UTS_LEN = 64;

export const new_utsname = struct({
  sysname: cstring(__NEW_UTS_LEN + 1),
  nodename: cstring(__NEW_UTS_LEN + 1),
  release: cstring(__NEW_UTS_LEN + 1),
  version: cstring(__NEW_UTS_LEN + 1),
  machine: cstring(__NEW_UTS_LEN + 1),
  domainname: cstring(__NEW_UTS_LEN + 1),
});
