/** getsockopt(2) and setsockopt(2) at IPPROTO_TCP: tcp(7). */
import { nameFromBytes, nameToBytes } from '../../lib/names.js';
import { EINVAL, ENOENT, ENOPROTOOPT } from '../../uapi/errno.js';
import {
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_CONGESTION,
  TCP_CORK,
  TCP_DEFER_ACCEPT,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_INFO,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_LAST_ACK,
  TCP_LINGER2,
  TCP_LISTEN,
  TCP_MAXSEG,
  TCP_NODELAY,
  TCP_NOTSENT_LOWAT,
  TCP_QUICKACK,
  TCP_SYNCNT,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
  TCP_USER_TIMEOUT,
  TCP_WINDOW_CLAMP,
  TCPI_OPT_SACK,
  TCPI_OPT_TIMESTAMPS,
  TCPI_OPT_WSCALE,
  tcp_info,
} from '../../uapi/ip.js';
import { optionNumber } from './ip-sockopt.js';
import type { TcpConnection, TcpState } from './tcp-connection.js';
import { output, segmentRoom } from './tcp-output.js';
import type { TcpSocket } from './tcp-socket.js';

const MIN_MSS = 88;
const MAX_WINDOW = 32_767;
const DEFAULT_MSS = 536;

/** What has been asked for; connections that come through a listener begin with its. */
export class TcpOptions {
  noDelay = false;
  cork = false;
  /** TCP_MAXSEG: 0 when not set. */
  maxSegment = 0;
  keepIdle = 7200;
  keepInterval = 75;
  keepCount = 9;
  synCount = 6;
  /** In seconds. */
  linger = 60;
  deferAccept = 0;
  windowClamp = 0;
  /** In milliseconds. */
  userTimeout = 0;
  notSentLowWater = 0;

  apply(connection: TcpConnection): void {
    connection.noDelay = this.noDelay;
    connection.corked = this.cork;
    connection.keepIdle = this.keepIdle * 1e9;
    connection.keepInterval = this.keepInterval * 1e9;
    connection.keepCount = this.keepCount;
    connection.synCount = this.synCount;
    connection.finTimeout = this.linger * 1e9;
    connection.userTimeout = this.userTimeout * 1e6;
  }

  clone(): TcpOptions {
    return Object.assign(new TcpOptions(), this);
  }
}

type NumberName = {
  [K in keyof TcpOptions]: TcpOptions[K] extends number ? K : never;
}[keyof TcpOptions];

interface Option {
  readonly get: (socket: TcpSocket) => number | Uint8Array;
  readonly set?: (socket: TcpSocket, value: number) => void;
}

const within = (field: NumberName, low: number, high: number): Option => ({
  get: ({ tcp }) => tcp[field],
  set({ tcp }, value) {
    if (value < low || value > high) throw EINVAL;
    tcp[field] = value;
  },
});

const CONGESTION_NAME = 'reno';

const table: Readonly<Record<number, Option>> = {
  [TCP_NODELAY]: {
    get: ({ tcp }) => (tcp.noDelay ? 1 : 0),
    set({ tcp }, value) {
      tcp.noDelay = value !== 0;
    },
  },
  [TCP_CORK]: {
    get: ({ tcp }) => (tcp.cork ? 1 : 0),
    set({ tcp }, value) {
      tcp.cork = value !== 0;
    },
  },
  [TCP_MAXSEG]: {
    get: ({ connection, tcp }) =>
      connection === undefined || !connection.synchronized
        ? tcp.maxSegment || DEFAULT_MSS
        : segmentRoom(connection),
    set({ tcp }, value) {
      if (value !== 0 && (value < MIN_MSS || value > MAX_WINDOW)) throw EINVAL;
      tcp.maxSegment = value;
    },
  },
  [TCP_KEEPIDLE]: within('keepIdle', 1, 32_767),
  [TCP_KEEPINTVL]: within('keepInterval', 1, 32_767),
  [TCP_KEEPCNT]: within('keepCount', 1, 127),
  [TCP_SYNCNT]: within('synCount', 1, 127),
  [TCP_LINGER2]: {
    get: ({ tcp }) => tcp.linger,
    set({ tcp }, value) {
      tcp.linger = value < 0 ? -1 : value === 0 ? 60 : Math.min(value, 120);
    },
  },
  [TCP_DEFER_ACCEPT]: {
    get: ({ tcp }) => tcp.deferAccept,
    set({ tcp }, value) {
      tcp.deferAccept = Math.max(0, value);
    },
  },
  [TCP_WINDOW_CLAMP]: within('windowClamp', 0, 0x7fff_ffff),
  [TCP_USER_TIMEOUT]: within('userTimeout', 0, 0x7fff_ffff),
  [TCP_NOTSENT_LOWAT]: within('notSentLowWater', 0, 0x7fff_ffff),
  [TCP_QUICKACK]: {
    get: ({ connection }) => (connection?.pingPong === true ? 0 : 1),
    set({ connection }, value) {
      if (connection === undefined) return;
      connection.pingPong = value === 0;
      if (value !== 0 && connection.ackPending) connection.ackNow = true;
    },
  },
  [TCP_INFO]: { get: information },
  [TCP_CONGESTION]: {
    get() {
      const name = new Uint8Array(16);
      name.set(nameToBytes(CONGESTION_NAME));
      return name;
    },
  },
};

export function setTcpOption(socket: TcpSocket, name: number, value: Uint8Array): void {
  if (name === TCP_CONGESTION) {
    const end = value.indexOf(0);
    // There is no other.
    if (nameFromBytes(value, 0, end < 0 ? value.length : end) !== CONGESTION_NAME) throw ENOENT;
    return;
  }
  if (value.length < 4) throw EINVAL;
  const set = table[name]?.set;
  if (set === undefined) throw ENOPROTOOPT;
  set(socket, optionNumber(value));
  const { tcp } = socket;
  socket.run((connection) => {
    tcp.apply(connection);
    // What was held back may go now.
    output(connection);
  });
}

export function getTcpOption(socket: TcpSocket, name: number): Uint8Array {
  const get = table[name]?.get;
  if (get === undefined) throw ENOPROTOOPT;
  const value = get(socket);
  return typeof value === 'number' ? new Uint8Array(new Int32Array([value]).buffer) : value;
}

const stateNumbers: Readonly<Record<TcpState, number>> = {
  'syn-sent': TCP_SYN_SENT,
  'syn-received': TCP_SYN_RECV,
  established: TCP_ESTABLISHED,
  'fin-wait-1': TCP_FIN_WAIT1,
  'fin-wait-2': TCP_FIN_WAIT2,
  'close-wait': TCP_CLOSE_WAIT,
  closing: TCP_CLOSING,
  'last-ack': TCP_LAST_ACK,
  'time-wait': TCP_TIME_WAIT,
  closed: TCP_CLOSE,
};

/** As TCP_INFO and /proc/net/tcp have it. */
export function stateNumber({ listening, connection }: TcpSocket): number {
  if (listening) return TCP_LISTEN;
  return connection === undefined ? TCP_CLOSE : stateNumbers[connection.state];
}

function information(socket: TcpSocket): Uint8Array {
  const { connection } = socket;
  const tcpi_state = socket.isOver && !socket.listening ? TCP_CLOSE : stateNumber(socket);
  if (connection === undefined)
    return tcp_info.encode({ tcpi_state, tcpi_unacked: socket.pendingCount, tcpi_sacked: socket.backlog });
  const { roundTrip, congestion, mss, environment } = connection;
  const milliseconds = (since: number): number => Math.max(0, Math.floor((environment.now() - since) / 1e6));
  const room = segmentRoom(connection);
  const scaled = connection.rcvScale > 0;
  return tcp_info.encode({
    tcpi_state,
    tcpi_retransmits: connection.retransmits,
    tcpi_probes: connection.probes,
    tcpi_backoff: roundTrip.backoff,
    tcpi_options:
      (connection.timestamps ? TCPI_OPT_TIMESTAMPS : 0) |
      (connection.sack ? TCPI_OPT_SACK : 0) |
      (scaled ? TCPI_OPT_WSCALE : 0),
    tcpi_wscales: connection.sndScale | (connection.rcvScale << 4),
    tcpi_rto: Math.floor(roundTrip.timeout / 1000),
    tcpi_ato: 40_000,
    tcpi_snd_mss: room,
    tcpi_rcv_mss: connection.peerMss,
    tcpi_unacked: Math.ceil(connection.inFlight / room),
    tcpi_last_data_sent: milliseconds(connection.lastSentAt),
    tcpi_last_data_recv: milliseconds(connection.lastReceivedAt),
    tcpi_last_ack_recv: milliseconds(connection.lastReceivedAt),
    tcpi_pmtu: mss,
    tcpi_rtt: Math.floor(roundTrip.smoothed / 1000),
    tcpi_rttvar: Math.floor(roundTrip.variation / 1000),
    tcpi_snd_ssthresh: Math.min(Math.floor(congestion.threshold / room), 0x7fff_ffff),
    tcpi_snd_cwnd: Math.floor(congestion.window / room),
    tcpi_advmss: connection.settings.mss,
    tcpi_rcv_space: connection.receiveRing.free,
    tcpi_bytes_acked: connection.bytesAcked,
    tcpi_bytes_received: connection.bytesReceived,
    tcpi_segs_out: connection.segmentsOut,
    tcpi_segs_in: connection.segmentsIn,
    tcpi_notsent_bytes: Math.max(0, connection.sendRing.used - connection.inFlight),
    tcpi_snd_wnd: connection.sndWnd,
  });
}
