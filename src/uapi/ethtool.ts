/** SIOCETHTOOL, as far as network devices without hardware answer it: linux/ethtool.h. */
import { cstring, struct, u32 } from '../lib/struct.js';

export const ETHTOOL_GSET = 0x1;
export const ETHTOOL_SSET = 0x2;
export const ETHTOOL_GDRVINFO = 0x3;
export const ETHTOOL_GREGS = 0x4;
export const ETHTOOL_GWOL = 0x5;
export const ETHTOOL_GMSGLVL = 0x7;
export const ETHTOOL_GLINK = 0xa;
export const ETHTOOL_GCOALESCE = 0xe;
export const ETHTOOL_GRINGPARAM = 0x10;
export const ETHTOOL_GPAUSEPARAM = 0x12;
export const ETHTOOL_GRXCSUM = 0x14;
export const ETHTOOL_GTXCSUM = 0x16;
export const ETHTOOL_GSG = 0x18;
export const ETHTOOL_GSTRINGS = 0x1b;
export const ETHTOOL_GSTATS = 0x1d;
export const ETHTOOL_GTSO = 0x1e;
export const ETHTOOL_GPERMADDR = 0x20;
export const ETHTOOL_GUFO = 0x21;
export const ETHTOOL_GGSO = 0x23;
export const ETHTOOL_GFLAGS = 0x25;
export const ETHTOOL_GGRO = 0x2b;
export const ETHTOOL_GSSET_INFO = 0x37;
export const ETHTOOL_GFEATURES = 0x3a;
export const ETHTOOL_GCHANNELS = 0x3c;
export const ETHTOOL_GET_TS_INFO = 0x41;
export const ETHTOOL_GLINKSETTINGS = 0x4c;
export const ethtool_drvinfo = struct({
  cmd: u32,
  driver: cstring(32),
  version: cstring(32),
  fw_version: cstring(32),
  bus_info: cstring(32),
  erom_version: cstring(32),
  reserved2: cstring(12),
  n_priv_flags: u32,
  n_stats: u32,
  testinfo_len: u32,
  eedump_len: u32,
  regdump_len: u32,
});
/** ETHTOOL_GLINK and the other calls with one number. */
export const ethtool_value = struct({ cmd: u32, data: u32 });
export const DUPLEX_HALF = 0x0;
export const DUPLEX_FULL = 0x1;
export const SPEED_UNKNOWN = -1;
