/** `port:N`: whoever connects to a TCP port of the host, by telnet. Devices with the same port share it. */
import { text } from '../../../lib/names.js';
import { BadChannel, type Channel, type ChannelType } from '../channel.js';
import { ServerChannel } from '../server-channel.js';

const MAX_PORT = 65535;

export const portChannel: ChannelType = {
  name: 'port',
  parse(argument, { ports }, directions): Channel {
    if (!argument.startsWith(':'))
      throw new BadChannel("port_init : channel type 'port' must specify a port number");
    const number = argument.slice(1);
    if (!/^[0-9]+$/.test(number) || Number(number) > MAX_PORT)
      throw new BadChannel(`port_init : couldn't parse port '${text(number)}'`);
    const server = ports.port(Number(number));
    if (typeof server === 'number')
      throw new BadChannel(`binding to port ${number} failed, errno = ${-server}`);
    return new ServerChannel(server, directions);
  },
};
