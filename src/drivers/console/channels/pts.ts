/** `pts`: the master of a pseudo-terminal of the host; people attach to its slave, /dev/pts/N. pts(4). */
import { HOST_AT_FDCWD } from '../../../host/files.js';
import type { Host } from '../../../host/host.js';
import { check } from '../../../uapi/errno.js';
import { O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDWR } from '../../../uapi/fcntl.js';
import { TIOCGPTN, TIOCSPTLCK } from '../../../uapi/termios.js';
import type { ChannelType } from '../channel.js';
import { DeviceChannel, type OpenDevice } from './device.js';

export function openPts({ files }: Host): OpenDevice {
  const flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  const fd = check(files.open(HOST_AT_FDCWD, '/dev/ptmx', flags, 0, 0));
  const number = new Uint8Array(4);
  files.ioctl(fd, TIOCSPTLCK, new Uint8Array(4));
  files.ioctl(fd, TIOCGPTN, number);
  return { fd, announced: `/dev/pts/${new DataView(number.buffer).getUint32(0, true)}` };
}

export const ptsChannel: ChannelType = {
  name: 'pts',
  parse: (_argument, { host }, directions) => new DeviceChannel(host, directions, openPts),
};
