/** /proc/net/netlink */
import type { NetlinkSocket } from './netlink-socket.js';

export function procNetNetlink(sockets: Iterable<NetlinkSocket>): string {
  let text = 'sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n';
  for (const socket of sockets) {
    const { protocol, port, groupMask, queuedBytes, drops, file } = socket;
    const columns = [
      '0'.repeat(16),
      String(protocol).padEnd(3),
      String(port).padEnd(10),
      groupMask.toString(16).padStart(8, '0'),
      String(queuedBytes).padEnd(8),
      '0'.padEnd(8),
      '0    ',
      '2'.padEnd(8),
      String(drops).padEnd(8),
      String(file?.inode.ino ?? 0).padEnd(8),
    ];
    text += columns.join(' ') + '\n';
  }
  return text;
}
