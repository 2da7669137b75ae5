/** Network devices, packet(7), arp(7): linux/if.h, linux/if_arp.h, linux/if_ether.h, linux/if_packet.h, linux/route.h. */
import { FlagSet } from '../lib/flags.js';
import { be16, bytes, cstring, s16, s32, struct, u16, u32, u64, u8 } from '../lib/struct.js';
import { sockaddr } from './socket.js';

export const IFNAMSIZ = 16;
export const IFALIASZ = 256;
export const ALTIFNAMSIZ = 128;
export const IFHWADDRLEN = 6;

export const IFF_UP = 0x1;
export const IFF_BROADCAST = 0x2;
export const IFF_DEBUG = 0x4;
export const IFF_LOOPBACK = 0x8;
export const IFF_POINTOPOINT = 0x10;
export const IFF_NOTRAILERS = 0x20;
export const IFF_RUNNING = 0x40;
export const IFF_NOARP = 0x80;
export const IFF_PROMISC = 0x100;
export const IFF_ALLMULTI = 0x200;
export const IFF_MASTER = 0x400;
export const IFF_SLAVE = 0x800;
export const IFF_MULTICAST = 0x1000;
export const IFF_PORTSEL = 0x2000;
export const IFF_AUTOMEDIA = 0x4000;
export const IFF_DYNAMIC = 0x8000;
// Not in the C library's header; net/if.h lacks them.
export const IFF_LOWER_UP = 0x1_0000;
export const IFF_DORMANT = 0x2_0000;
export const IFF_ECHO = 0x4_0000;

export const deviceFlags = new FlagSet({
  IFF_UP,
  IFF_BROADCAST,
  IFF_DEBUG,
  IFF_LOOPBACK,
  IFF_POINTOPOINT,
  IFF_NOTRAILERS,
  IFF_RUNNING,
  IFF_NOARP,
  IFF_PROMISC,
  IFF_ALLMULTI,
  IFF_MASTER,
  IFF_SLAVE,
  IFF_MULTICAST,
  IFF_PORTSEL,
  IFF_AUTOMEDIA,
  IFF_DYNAMIC,
  IFF_LOWER_UP,
  IFF_DORMANT,
  IFF_ECHO,
});

/** Operational states of RFC 2863. */
export const IF_OPER_UNKNOWN = 0;
export const IF_OPER_NOTPRESENT = 1;
export const IF_OPER_DOWN = 2;
export const IF_OPER_LOWERLAYERDOWN = 3;
export const IF_OPER_TESTING = 4;
export const IF_OPER_DORMANT = 5;
export const IF_OPER_UP = 6;

export const ifmap = struct({ mem_start: u64, mem_end: u64, base_addr: u16, irq: u8, dma: u8, port: u8 });

/** struct ifreq: the device's name, and one member of a union. */
const request = { size: 40, align: 8 };
const ifr_name = cstring(IFNAMSIZ);
/** The union as bytes. */
export const ifreq = struct({ ifr_name, ifr_ifru: bytes(24) }, request);
/** SIOCGIFADDR, SIOCGIFHWADDR and their like. */
export const ifreq_addr = struct({ ifr_name, ifr_addr: sockaddr }, request);
/** SIOCGIFFLAGS, SIOCSIFFLAGS, TUNSETIFF. */
export const ifreq_flags = struct({ ifr_name, ifr_flags: s16 }, request);
/** SIOCGIFINDEX, SIOCGIFMTU, SIOCGIFMETRIC, SIOCGIFTXQLEN. */
export const ifreq_ivalue = struct({ ifr_name, ifr_ivalue: s32 }, request);
export const ifreq_map = struct({ ifr_name, ifr_map: ifmap }, request);
export const ifreq_newname = struct({ ifr_name, ifr_newname: cstring(IFNAMSIZ) }, request);
/** SIOCETHTOOL, SIOCDEVPRIVATE: a pointer. */
export const ifreq_data = struct({ ifr_name, ifr_data: u64 }, request);

/** SIOCGIFCONF: bytes, and where to put one ifreq for each address. */
export const ifconf = struct({ ifc_len: s32, ifc_buf: u64 });

// Hardware types.
export const ARPHRD_NETROM = 0;
export const ARPHRD_ETHER = 1;
export const ARPHRD_EETHER = 2;
export const ARPHRD_IEEE802 = 6;
export const ARPHRD_SLIP = 256;
export const ARPHRD_CSLIP = 257;
export const ARPHRD_PPP = 512;
export const ARPHRD_TUNNEL = 768;
export const ARPHRD_TUNNEL6 = 769;
export const ARPHRD_LOOPBACK = 772;
export const ARPHRD_SIT = 776;
export const ARPHRD_IPGRE = 778;
export const ARPHRD_VOID = 65_535;
export const ARPHRD_NONE = 65_534;
export const ARPOP_REQUEST = 1;
export const ARPOP_REPLY = 2;
export const ARPOP_RREQUEST = 3;
export const ARPOP_RREPLY = 4;
export const ATF_COM = 0x2;
export const ATF_PERM = 0x4;
export const ATF_PUBL = 0x8;
export const ATF_USETRAILERS = 0x10;
export const ATF_NETMASK = 0x20;
export const ATF_DONTPUB = 0x40;
/** SIOCGARP and its like. */
export const arpreq = struct({
  arp_pa: sockaddr,
  arp_ha: sockaddr,
  arp_flags: s32,
  arp_netmask: sockaddr,
  arp_dev: cstring(16),
});
export const arphdr = struct({ ar_hrd: be16, ar_pro: be16, ar_hln: u8, ar_pln: u8, ar_op: be16 });

// Ethernet.
export const ETH_ALEN = 0x6;
export const ETH_HLEN = 0xe;
export const ETH_ZLEN = 0x3c;
export const ETH_DATA_LEN = 0x5dc;
export const ETH_FRAME_LEN = 0x5ea;
export const ETH_FCS_LEN = 0x4;
export const ETH_MIN_MTU = 0x44;
export const ETH_MAX_MTU = 0xffff;
export const ETH_P_LOOP = 0x60;
export const ETH_P_IP = 0x800;
export const ETH_P_ARP = 0x806;
export const ETH_P_RARP = 0x8035;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_PAUSE = 0x8808;
export const ETH_P_8021AD = 0x88a8;
export const ETH_P_LLDP = 0x88cc;
export const ETH_P_LOOPBACK = 0x9000;
export const ETH_P_802_3_MIN = 0x600;
export const ETH_P_802_3 = 0x1;
export const ETH_P_ALL = 0x3;
export const ETH_P_802_2 = 0x4;
export const ethhdr = struct({ h_dest: bytes(6), h_source: bytes(6), h_proto: be16 }, { packed: true });

// packet(7)
export const sockaddr_ll = struct({
  sll_family: u16,
  sll_protocol: be16,
  sll_ifindex: s32,
  sll_hatype: u16,
  sll_pkttype: u8,
  sll_halen: u8,
  sll_addr: bytes(8),
});
export const PACKET_HOST = 0;
export const PACKET_BROADCAST = 1;
export const PACKET_MULTICAST = 2;
export const PACKET_OTHERHOST = 3;
export const PACKET_OUTGOING = 4;
export const PACKET_LOOPBACK = 5;
export const PACKET_USER = 6;
export const PACKET_KERNEL = 7;
export const PACKET_FASTROUTE = 6;
export const PACKET_ADD_MEMBERSHIP = 1;
export const PACKET_DROP_MEMBERSHIP = 2;
export const PACKET_RECV_OUTPUT = 3;
export const PACKET_RX_RING = 5;
export const PACKET_STATISTICS = 6;
export const PACKET_COPY_THRESH = 7;
export const PACKET_AUXDATA = 8;
export const PACKET_ORIGDEV = 9;
export const PACKET_VERSION = 10;
export const PACKET_HDRLEN = 11;
export const PACKET_RESERVE = 12;
export const PACKET_TX_RING = 13;
export const PACKET_LOSS = 14;
export const PACKET_VNET_HDR = 15;
export const PACKET_TX_TIMESTAMP = 16;
export const PACKET_TIMESTAMP = 17;
export const PACKET_FANOUT = 18;
export const PACKET_TX_HAS_OFF = 19;
export const PACKET_QDISC_BYPASS = 20;
export const PACKET_ROLLOVER_STATS = 21;
export const PACKET_IGNORE_OUTGOING = 23;
export const PACKET_MR_MULTICAST = 0;
export const PACKET_MR_PROMISC = 1;
export const PACKET_MR_ALLMULTI = 2;
export const PACKET_MR_UNICAST = 3;
export const packet_mreq = struct({ mr_ifindex: s32, mr_type: u16, mr_alen: u16, mr_address: bytes(8) });
export const tpacket_auxdata = struct({
  tp_status: u32,
  tp_len: u32,
  tp_snaplen: u32,
  tp_mac: u16,
  tp_net: u16,
  tp_vlan_tci: u16,
  tp_vlan_tpid: u16,
});
export const tpacket_stats = struct({ tp_packets: u32, tp_drops: u32 });
export const TP_STATUS_KERNEL = 0x0;
export const TP_STATUS_USER = 0x1;
export const TP_STATUS_COPY = 0x2;
export const TP_STATUS_LOSING = 0x4;
export const TP_STATUS_CSUMNOTREADY = 0x8;
export const TP_STATUS_VLAN_VALID = 0x10;
export const TP_STATUS_VLAN_TPID_VALID = 0x40;
export const TP_STATUS_CSUM_VALID = 0x80;

// SIOCADDRT, SIOCDELRT.
export const rtentry = struct({
  rt_pad1: u64,
  rt_dst: sockaddr,
  rt_gateway: sockaddr,
  rt_genmask: sockaddr,
  rt_flags: u16,
  rt_pad2: s16,
  rt_pad3: u64,
  rt_pad4: u64,
  rt_metric: s16,
  rt_dev: u64,
  rt_mtu: u64,
  rt_window: u64,
  rt_irtt: u16,
});
export const RTF_UP = 0x1;
export const RTF_GATEWAY = 0x2;
export const RTF_HOST = 0x4;
export const RTF_REINSTATE = 0x8;
export const RTF_DYNAMIC = 0x10;
export const RTF_MODIFIED = 0x20;
export const RTF_MTU = 0x40;
export const RTF_MSS = 0x40;
export const RTF_WINDOW = 0x80;
export const RTF_IRTT = 0x100;
export const RTF_REJECT = 0x200;
