/** `pty`: the master of an old BSD pseudo-terminal, /dev/ptyp0 and on, where the host has them; else as pts. pty(7). */
import { HOST_AT_FDCWD } from '../../../host/files.js';
import type { Host } from '../../../host/host.js';
import { O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDWR } from '../../../uapi/fcntl.js';
import type { ChannelType } from '../channel.js';
import { DeviceChannel, type OpenDevice } from './device.js';
import { openPts } from './pts.js';

/** The first free one. The master is announced, as UML does: people attach to the tty of the same letters. */
function openPty(host: Host): OpenDevice {
  for (const bank of 'pqrs')
    for (const unit of '0123456789abcdef') {
      const name = `/dev/pty${bank}${unit}`;
      const fd = host.files.open(HOST_AT_FDCWD, name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0, 0);
      if (fd >= 0) return { fd, announced: name };
      // Without the first there are none at all.
      if (bank === 'p' && unit === '0' && host.files.access(HOST_AT_FDCWD, name, 0) < 0) return openPts(host);
    }
  return openPts(host);
}

export const ptyChannel: ChannelType = {
  name: 'pty',
  parse: (_argument, { host }, directions) => new DeviceChannel(host, directions, openPty),
};
