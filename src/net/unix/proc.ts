/** /proc/net/unix: proc_pid_net(5). */
import {
  __SO_ACCEPTCON,
  SS_CONNECTED,
  SS_CONNECTING,
  SS_DISCONNECTING,
  SS_UNCONNECTED,
} from '../../uapi/socket.js';
import { shownAddress } from './address.js';
import type { UnixSocket } from './unix-socket.js';

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');

export function procNetUnix(sockets: Iterable<UnixSocket>): string {
  let text = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
  for (const socket of sockets) text += line(socket);
  return text;
}

function line(socket: UnixSocket): string {
  const { file, address, peer } = socket;
  const references = peer === undefined ? 2 : 3;
  const flags = socket.listening ? __SO_ACCEPTCON : 0;
  const inode = String(file?.inode.ino ?? 0).padStart(5);
  const name = address === undefined ? '' : ` ${shownAddress(address)}`;
  // The kernel's addresses are nobody's business.
  return `${'0'.repeat(16)}: ${hex(references, 8)} 00000000 ${hex(flags, 8)} ${hex(socket.type, 4)} ${hex(shownState(socket), 2)} ${inode}${name}\n`;
}

function shownState({ file, state }: UnixSocket): number {
  if (file === undefined) return state === 'connected' ? SS_CONNECTING : SS_DISCONNECTING;
  return state === 'connected' ? SS_CONNECTED : SS_UNCONNECTED;
}
