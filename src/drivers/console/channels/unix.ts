/** `unix:PATH`: whoever connects to a socket in the host's file system: `socat -,raw,echo=0 UNIX:PATH`. */
import { text } from '../../../lib/names.js';
import { BadChannel, type Channel, type ChannelType } from '../channel.js';
import { ServerChannel } from '../server-channel.js';

export const unixChannel: ChannelType = {
  name: 'unix',
  parse(argument, { ports }, directions): Channel {
    if (!argument.startsWith(':') || argument.length === 1)
      throw new BadChannel("unix_init : channel type 'unix' must specify a path");
    const path = argument.slice(1);
    const server = ports.unix(path);
    if (typeof server === 'number')
      throw new BadChannel(`binding to ${text(path)} failed, errno = ${-server}`);
    return new ServerChannel(server, directions);
  },
};
