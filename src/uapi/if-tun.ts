/** /dev/net/tun: linux/if_tun.h. */
import { FlagSet } from '../lib/flags.js';
import { be16, struct, u16 } from '../lib/struct.js';

export const TUNSETNOCSUM = 0x4004_54c8;
export const TUNSETDEBUG = 0x4004_54c9;
export const TUNSETIFF = 0x4004_54ca;
export const TUNSETPERSIST = 0x4004_54cb;
export const TUNSETOWNER = 0x4004_54cc;
export const TUNSETLINK = 0x4004_54cd;
export const TUNSETGROUP = 0x4004_54ce;
export const TUNGETFEATURES = 0x8004_54cf;
export const TUNSETOFFLOAD = 0x4004_54d0;
export const TUNSETTXFILTER = 0x4004_54d1;
export const TUNGETIFF = 0x8004_54d2;
export const TUNGETSNDBUF = 0x8004_54d3;
export const TUNSETSNDBUF = 0x4004_54d4;
export const TUNATTACHFILTER = 0x4010_54d5;
export const TUNDETACHFILTER = 0x4010_54d6;
export const TUNGETVNETHDRSZ = 0x8004_54d7;
export const TUNSETVNETHDRSZ = 0x4004_54d8;
export const TUNSETQUEUE = 0x4004_54d9;
export const TUNSETIFINDEX = 0x4004_54da;
export const TUNGETFILTER = 0x8010_54db;
export const TUNSETVNETLE = 0x4004_54dc;
export const TUNGETVNETLE = 0x8004_54dd;
export const TUNSETVNETBE = 0x4004_54de;
export const TUNGETVNETBE = 0x8004_54df;
export const TUNSETSTEERINGEBPF = 0x8004_54e0;
export const TUNSETFILTEREBPF = 0x8004_54e1;
export const TUNSETCARRIER = 0x4004_54e2;
export const TUNGETDEVNETNS = 0x54e3;
export const IFF_TUN = 0x1;
export const IFF_TAP = 0x2;
export const IFF_NAPI = 0x10;
export const IFF_NAPI_FRAGS = 0x20;
export const IFF_NO_PI = 0x1000;
export const IFF_ONE_QUEUE = 0x2000;
export const IFF_VNET_HDR = 0x4000;
export const IFF_TUN_EXCL = 0x8000;
export const IFF_MULTI_QUEUE = 0x100;
export const IFF_ATTACH_QUEUE = 0x200;
export const IFF_DETACH_QUEUE = 0x400;
export const IFF_PERSIST = 0x800;
export const IFF_NOFILTER = 0x1000;
export const TUN_F_CSUM = 0x1;
export const TUN_F_TSO4 = 0x2;
export const TUN_F_TSO6 = 0x4;
export const TUN_F_TSO_ECN = 0x8;
export const TUN_F_UFO = 0x10;
/** The flags in an ifreq of TUNSETIFF. */
export const tunFlags = new FlagSet({
  IFF_TUN,
  IFF_TAP,
  IFF_NAPI,
  IFF_NAPI_FRAGS,
  IFF_NO_PI,
  IFF_ONE_QUEUE,
  IFF_VNET_HDR,
  IFF_TUN_EXCL,
  IFF_MULTI_QUEUE,
  IFF_ATTACH_QUEUE,
  IFF_DETACH_QUEUE,
  IFF_PERSIST,
});
/** Before each packet, unless IFF_NO_PI. */
export const tun_pi = struct({ flags: u16, proto: be16 });
export const TUN_PKT_STRIP = 0x1;
