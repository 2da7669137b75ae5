/** /proc/net/tcp, udp, raw, dev, route, if_inet6 and the like: proc_pid_net(5). */
import { TCP_CLOSE, TCP_ESTABLISHED } from '../../uapi/ip.js';
import { RTF_GATEWAY, RTF_HOST, RTF_UP } from '../../uapi/if.js';
import { RT_TABLE_MAIN } from '../../uapi/rtnetlink.js';
import { AF_INET, AF_INET6 } from '../../uapi/socket.js';
import type { DeviceStatistics } from '../device.js';
import { ANY_V4, ANY_V6, type IpAddress, ipToBytes, isV4, mapped, netmask } from '../ip-address.js';
import type { InetSocket } from './inet-socket.js';
import type { InetStack } from './stack.js';
import { stateNumber } from './tcp-sockopt.js';

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');

/** Words as the machine has them: the bytes of each in reverse order. */
function addressText(address: IpAddress): string {
  const view = new DataView(ipToBytes(address).buffer);
  let text = '';
  for (let at = 0; at < view.byteLength; at += 4) text += hex(view.getUint32(at, true), 8);
  return text;
}

const shown = (family: number, address: IpAddress): IpAddress =>
  family === AF_INET6 && isV4(address) ? mapped(address) : address;

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const HEAD6 =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

interface Line {
  readonly socket: InetSocket;
  readonly state: number;
  readonly toSend: number;
  readonly toReceive: number;
}

function socketLine({ socket, state, toSend, toReceive }: Line, slot: number): string {
  const { family, local, localPort, remote, remotePort, uid, file } = socket;
  const any = family === AF_INET ? ANY_V4 : ANY_V6;
  const from = `${addressText(shown(family, local))}:${hex(localPort, 4)}`;
  const to = `${addressText(shown(family, remote ?? any))}:${hex(remotePort, 4)}`;
  const queues = `${hex(toSend, 8)}:${hex(toReceive, 8)} 00:00000000 00000000`;
  const owner = `${String(uid).padStart(5)} ${'0'.padStart(8)} ${file?.inode.ino ?? 0}`;
  return `${String(slot).padStart(4)}: ${from} ${to} ${hex(state, 2)} ${queues} ${owner} 2 0000000000000000`;
}

function tcpText({ tcp }: InetStack, family: number): string {
  const lines = [family === AF_INET ? HEAD.padEnd(149) : HEAD6];
  for (const socket of tcp.sockets()) {
    if (socket.family !== family) continue;
    const { connection } = socket;
    const line = {
      socket,
      state: stateNumber(socket),
      toSend: connection?.sendRing.used ?? 0,
      toReceive: socket.listening ? socket.pendingCount : (connection?.readable ?? 0),
    };
    lines.push(`${socketLine(line, lines.length - 1)} 100 0 0 10 0`);
  }
  return lines.map((line) => line + '\n').join('');
}

function datagramText(sockets: Iterable<InetSocket & { readonly queued: number }>, family: number): string {
  const lines = [(family === AF_INET ? HEAD : HEAD6) + ' ref pointer drops'];
  for (const socket of sockets) {
    if (socket.family !== family) continue;
    const state = socket.remote === undefined ? TCP_CLOSE : TCP_ESTABLISHED;
    lines.push(`${socketLine({ socket, state, toSend: 0, toReceive: socket.queued }, lines.length - 1)} 0`);
  }
  return lines.map((line) => line + '\n').join('');
}

const DEVICE_HEAD =
  'Inter-|   Receive                                                |  Transmit\n' +
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';

function deviceLine(name: string, s: DeviceStatistics): string {
  const receive = [s.rx_bytes, s.rx_packets, s.rx_errors, s.rx_dropped, 0, 0, 0, s.multicast];
  const transmit = [s.tx_bytes, s.tx_packets, s.tx_errors, s.tx_dropped, 0, s.collisions, 0, 0];
  const widths = [8, 7, 4, 4, 4, 5, 10, 9];
  const columns = (values: readonly number[], widthsOf: readonly number[]): string =>
    values.map((value, index) => String(value).padStart(widthsOf[index])).join(' ');
  return `${name.padStart(6)}: ${columns(receive, widths)} ${columns(transmit, [8, 7, 4, 4, 4, 5, 7, 10])}\n`;
}

function routeText({ net }: InetStack): string {
  let text =
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'.padEnd(127) + '\n';
  for (const { destination, prefixLength, gateway, device, table, metric } of net.routes) {
    if (table !== RT_TABLE_MAIN || !isV4(destination) || device === undefined) continue;
    const flags = RTF_UP | (gateway === undefined ? 0 : RTF_GATEWAY) | (prefixLength === 32 ? RTF_HOST : 0);
    const columns = [
      device.name,
      addressText(destination),
      addressText(gateway ?? ANY_V4),
      hex(flags, 4),
      '0',
      '0',
      String(metric),
      addressText(netmask(prefixLength)),
      '0',
      '0',
      '0',
    ];
    text += columns.join('\t').padEnd(127) + '\n';
  }
  return text;
}

function addressText6({ net }: InetStack): string {
  let text = '';
  for (const { index, name, addresses } of net.devices)
    for (const { address, prefixLength, scope, flags } of addresses) {
      if (isV4(address)) continue;
      const bytes = [...ipToBytes(address)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      const numbers = [index, prefixLength, SCOPES6[scope] ?? 0, flags & 0xff];
      text += `${bytes} ${numbers.map((value) => value.toString(16).padStart(2, '0')).join(' ')} ${name.padStart(8)}\n`;
    }
  return text;
}

/** RT_SCOPE_* as IPv6 shows them. */
const SCOPES6: Readonly<Record<number, number>> = { 0: 0x00, 253: 0x20, 254: 0x10 };

export const procFiles = (stack: InetStack) => ({
  tcp: () => tcpText(stack, AF_INET),
  udp: () => datagramText(stack.udp.ports, AF_INET),
  raw: () => datagramText(stack.raw.all, AF_INET),
  dev: () => {
    let text = DEVICE_HEAD;
    for (const { name, statistics } of stack.net.devices) text += deviceLine(name, statistics);
    return text;
  },
  route: () => routeText(stack),
  arp: () => 'IP address       HW type     Flags       HW address            Mask     Device\n',
});

export const procFiles6 = (stack: InetStack) => ({
  tcp6: () => tcpText(stack, AF_INET6),
  udp6: () => datagramText(stack.udp.ports, AF_INET6),
  raw6: () => datagramText(stack.raw.all, AF_INET6),
  if_inet6: () => addressText6(stack),
});
