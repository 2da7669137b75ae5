/** `tty:PATH`: a terminal that the host has already: a serial port, a virtual console, a pseudo-terminal's slave. */
import { HOST_AT_FDCWD } from '../../../host/files.js';
import { check } from '../../../uapi/errno.js';
import { O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from '../../../uapi/fcntl.js';
import { BadChannel, type Channel, type ChannelType } from '../channel.js';
import { DeviceChannel } from './device.js';

export const ttyChannel: ChannelType = {
  name: 'tty',
  parse(argument, { host }, directions): Channel {
    if (!argument.startsWith(':') || argument.length === 1)
      throw new BadChannel("tty_init : channel type 'tty' must specify a device");
    const path = argument.slice(1);
    const access = directions.input ? (directions.output ? O_RDWR : O_RDONLY) : O_WRONLY;
    const flags = access | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
    return new DeviceChannel(host, directions, ({ files }) => ({
      fd: check(files.open(HOST_AT_FDCWD, path, flags, 0, 0)),
    }));
  },
};
