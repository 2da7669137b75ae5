/** unix(7): linux/un.h. */
import { bytes, struct, u16 } from '../lib/struct.js';

export const UNIX_PATH_MAX = 108;
/** A path; or, beginning with NUL, a name in the abstract name space, whose length is the address's. */
export const sockaddr_un = struct({ sun_family: u16, sun_path: bytes(UNIX_PATH_MAX) });
export const SIOCUNIXFILE = 0x89e0;
