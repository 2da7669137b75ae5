/** Sockets: asm-generic/socket.h, include/linux/socket.h, linux/net.h. */
import { FlagSet } from '../lib/flags.js';
import { bytes, s32, struct, u16, u32, u64, s64 } from '../lib/struct.js';

export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_LOCAL = 1;
export const AF_INET = 2;
export const AF_AX25 = 3;
export const AF_IPX = 4;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;
export const AF_KEY = 15;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const AF_ALG = 38;
export const AF_VSOCK = 40;
export const AF_XDP = 44;
/** One more than the highest family: linux/socket.h, not the C library's. */
export const AF_MAX = 46;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_RDM = 4;
export const SOCK_SEQPACKET = 5;
export const SOCK_DCCP = 6;
export const SOCK_PACKET = 10;
export const SOCK_TYPE_MASK = 0xf;
export const SOCK_CLOEXEC = 0o2000000;
export const SOCK_NONBLOCK = 0o4000;

const socketType = {
  mask: SOCK_TYPE_MASK,
  values: { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET },
};
/** The type argument of socket(2) and socketpair(2). */
export const socketTypes = new FlagSet({ SOCK_CLOEXEC, SOCK_NONBLOCK }, socketType);
/** accept4(2). */
export const acceptFlags = new FlagSet({ SOCK_CLOEXEC, SOCK_NONBLOCK });

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

/** listen(2)'s backlog is cut to this: /proc/sys/net/core/somaxconn. */
export const SOMAXCONN = 4096;

// Levels of getsockopt(2). Those of protocols have the protocol's number.
export const SOL_SOCKET = 1;
export const SOL_IP = 0;
export const SOL_TCP = 6;
export const SOL_UDP = 17;
export const SOL_IPV6 = 41;
export const SOL_ICMPV6 = 58;
export const SOL_RAW = 255;
export const SOL_PACKET = 263;
export const SOL_NETLINK = 270;

export const SO_DEBUG = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_DONTROUTE = 5;
export const SO_BROADCAST = 6;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_OOBINLINE = 10;
export const SO_NO_CHECK = 11;
export const SO_PRIORITY = 12;
export const SO_LINGER = 13;
export const SO_BSDCOMPAT = 14;
export const SO_REUSEPORT = 15;
export const SO_PASSCRED = 16;
export const SO_PEERCRED = 17;
export const SO_RCVLOWAT = 18;
export const SO_SNDLOWAT = 19;
export const SO_RCVTIMEO = 20;
export const SO_SNDTIMEO = 21;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_DETACH_FILTER = 27;
export const SO_PEERNAME = 28;
export const SO_TIMESTAMP = 29;
export const SO_ACCEPTCONN = 30;
export const SO_PEERSEC = 31;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_PASSSEC = 34;
export const SO_TIMESTAMPNS = 35;
export const SO_MARK = 36;
export const SO_TIMESTAMPING = 37;
export const SO_PROTOCOL = 38;
export const SO_DOMAIN = 39;
export const SO_RXQ_OVFL = 40;
export const SO_WIFI_STATUS = 41;
export const SO_PEEK_OFF = 42;
export const SO_NOFCS = 43;
export const SO_LOCK_FILTER = 44;
export const SO_SELECT_ERR_QUEUE = 45;
export const SO_BUSY_POLL = 46;
export const SO_MAX_PACING_RATE = 47;
export const SO_BPF_EXTENSIONS = 48;
export const SO_INCOMING_CPU = 49;
export const SO_ATTACH_BPF = 50;
export const SO_ATTACH_REUSEPORT_CBPF = 51;
export const SO_ATTACH_REUSEPORT_EBPF = 52;
export const SO_MEMINFO = 55;
export const SO_INCOMING_NAPI_ID = 56;
export const SO_COOKIE = 57;
export const SO_PEERGROUPS = 59;
export const SO_ZEROCOPY = 60;
export const SO_TXTIME = 61;
export const SO_BINDTOIFINDEX = 62;
export const SO_TIMESTAMP_NEW = 63;
export const SO_TIMESTAMPNS_NEW = 64;
export const SO_TIMESTAMPING_NEW = 65;
export const SO_RCVTIMEO_NEW = 66;
export const SO_SNDTIMEO_NEW = 67;
export const SO_NETNS_COOKIE = 71;
export const SO_BUF_LOCK = 72;
export const SO_RESERVE_MEM = 73;
export const SO_TXREHASH = 74;
export const SO_RCVMARK = 75;
/** Linux 6.5. */
export const SO_PASSPIDFD = 76;
export const SO_PEERPIDFD = 77;

/** Control messages of SOL_SOCKET. */
export const SCM_RIGHTS = 0x1;
export const SCM_CREDENTIALS = 0x2;
export const SCM_SECURITY = 0x3;
export const SCM_PIDFD = 0x4;
export const SCM_TIMESTAMP = 29;
export const SCM_TIMESTAMPNS = 35;
export const SCM_TIMESTAMPING = 37;
/** Most descriptors in one message: include/net/scm.h. */
export const SCM_MAX_FD = 253;

export const MSG_OOB = 0x1;
export const MSG_PEEK = 0x2;
export const MSG_DONTROUTE = 0x4;
export const MSG_CTRUNC = 0x8;
export const MSG_PROBE = 0x10;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_EOR = 0x80;
export const MSG_WAITALL = 0x100;
export const MSG_FIN = 0x200;
export const MSG_SYN = 0x400;
export const MSG_CONFIRM = 0x800;
export const MSG_RST = 0x1000;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_MORE = 0x8000;
export const MSG_WAITFORONE = 0x1_0000;
export const MSG_BATCH = 0x4_0000;
export const MSG_ZEROCOPY = 0x400_0000;
export const MSG_FASTOPEN = 0x2000_0000;
export const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** Flags of sending and receiving; calls ignore what does not concern them. */
export const messageFlags = new FlagSet({
  MSG_OOB,
  MSG_PEEK,
  MSG_DONTROUTE,
  MSG_CTRUNC,
  MSG_PROBE,
  MSG_TRUNC,
  MSG_DONTWAIT,
  MSG_EOR,
  MSG_WAITALL,
  MSG_FIN,
  MSG_SYN,
  MSG_CONFIRM,
  MSG_RST,
  MSG_ERRQUEUE,
  MSG_NOSIGNAL,
  MSG_MORE,
  MSG_WAITFORONE,
  MSG_BATCH,
  MSG_ZEROCOPY,
  MSG_FASTOPEN,
  MSG_CMSG_CLOEXEC,
});

/** Every address begins so. */
export const sockaddr = struct({ sa_family: u16, sa_data: bytes(14) });
/** sizeof(struct sockaddr_storage): no address is longer. */
export const SOCKADDR_STORAGE_SIZE = 128;

export const msghdr = struct({
  msg_name: u64,
  msg_namelen: s32,
  msg_iov: u64,
  msg_iovlen: u64,
  msg_control: u64,
  msg_controllen: u64,
  msg_flags: u32,
});
/** Of recvmmsg(2) and sendmmsg(2). */
export const mmsghdr = struct({ msg_hdr: msghdr, msg_len: u32 });

/** The data follow at once; the next header is at a multiple of 8. */
export const cmsghdr = struct({ cmsg_len: u64, cmsg_level: s32, cmsg_type: s32 });
export const CMSG_ALIGN = (length: number): number => Math.ceil(length / 8) * 8;
/** cmsg_len for so many bytes of data. */
export const CMSG_LEN = (length: number): number => cmsghdr.size + length;
/** What such a message takes up. */
export const CMSG_SPACE = (length: number): number => cmsghdr.size + CMSG_ALIGN(length);

export const ucred = struct({ pid: s32, uid: u32, gid: u32 });
export const linger = struct({ l_onoff: s32, l_linger: s32 });
/** What SO_RCVTIMEO_NEW takes. */
export const __kernel_sock_timeval = struct({ tv_sec: s64, tv_usec: s64 });

/** States of a socket as /proc/net/unix shows them: linux/net.h. */
export const SS_FREE = 0;
export const SS_UNCONNECTED = 1;
export const SS_CONNECTING = 2;
export const SS_CONNECTED = 3;
export const SS_DISCONNECTING = 4;
export const __SO_ACCEPTCON = 0x1_0000;
