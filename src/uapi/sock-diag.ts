/** sock_diag(7), what ss(8) asks: linux/sock_diag.h, linux/inet_diag.h, linux/unix_diag.h. */
import { array, be16, bytes, struct, u16, u32, u8 } from '../lib/struct.js';

export const SOCK_DIAG_BY_FAMILY = 20;
export const SOCK_DESTROY = 21;
export const sock_diag_req = struct({ sdiag_family: u8, sdiag_protocol: u8 });

export const inet_diag_sockid = struct({
  idiag_sport: be16,
  idiag_dport: be16,
  idiag_src: bytes(16),
  idiag_dst: bytes(16),
  idiag_if: u32,
  idiag_cookie: array(u32, 2),
});
export const inet_diag_req_v2 = struct({
  sdiag_family: u8,
  sdiag_protocol: u8,
  idiag_ext: u8,
  pad: u8,
  idiag_states: u32,
  id: inet_diag_sockid,
});
export const inet_diag_msg = struct({
  idiag_family: u8,
  idiag_state: u8,
  idiag_timer: u8,
  idiag_retrans: u8,
  id: inet_diag_sockid,
  idiag_expires: u32,
  idiag_rqueue: u32,
  idiag_wqueue: u32,
  idiag_uid: u32,
  idiag_inode: u32,
});
export const INET_DIAG_NOCOOKIE = 4_294_967_295;
export const INET_DIAG_NONE = 0;
export const INET_DIAG_MEMINFO = 1;
export const INET_DIAG_INFO = 2;
export const INET_DIAG_VEGASINFO = 3;
export const INET_DIAG_CONG = 4;
export const INET_DIAG_TOS = 5;
export const INET_DIAG_TCLASS = 6;
export const INET_DIAG_SKMEMINFO = 7;
export const INET_DIAG_SHUTDOWN = 8;
export const INET_DIAG_DCTCPINFO = 9;
export const INET_DIAG_PROTOCOL = 10;
export const INET_DIAG_SKV6ONLY = 11;
export const INET_DIAG_LOCALS = 12;
export const INET_DIAG_PEERS = 13;
export const INET_DIAG_PAD = 14;
export const INET_DIAG_MARK = 15;
export const INET_DIAG_BBRINFO = 16;
export const INET_DIAG_CLASS_ID = 17;
export const INET_DIAG_MD5SIG = 18;
export const INET_DIAG_ULP_INFO = 19;
export const INET_DIAG_SK_BPF_STORAGES = 20;
export const INET_DIAG_CGROUP_ID = 21;
export const INET_DIAG_SOCKOPT = 22;

export const unix_diag_req = struct({
  sdiag_family: u8,
  sdiag_protocol: u8,
  pad: u16,
  udiag_states: u32,
  udiag_ino: u32,
  udiag_show: u32,
  udiag_cookie: array(u32, 2),
});
export const unix_diag_msg = struct({
  udiag_family: u8,
  udiag_type: u8,
  udiag_state: u8,
  pad: u8,
  udiag_ino: u32,
  udiag_cookie: array(u32, 2),
});
export const UDIAG_SHOW_NAME = 0x1;
export const UDIAG_SHOW_VFS = 0x2;
export const UDIAG_SHOW_PEER = 0x4;
export const UDIAG_SHOW_ICONS = 0x8;
export const UDIAG_SHOW_RQLEN = 0x10;
export const UDIAG_SHOW_MEMINFO = 0x20;
export const UDIAG_SHOW_UID = 0x40;
export const UNIX_DIAG_NAME = 0;
export const UNIX_DIAG_VFS = 1;
export const UNIX_DIAG_PEER = 2;
export const UNIX_DIAG_ICONS = 3;
export const UNIX_DIAG_RQLEN = 4;
export const UNIX_DIAG_MEMINFO = 5;
export const UNIX_DIAG_SHUTDOWN = 6;
export const UNIX_DIAG_UID = 7;
export const inet_diag_meminfo = struct({
  idiag_rmem: u32,
  idiag_wmem: u32,
  idiag_fmem: u32,
  idiag_tmem: u32,
});
