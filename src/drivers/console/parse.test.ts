import { describe, expect, test } from 'vitest';
import type { Host } from '../../host/host.js';
import { BadChannel, type Channel, type ChannelContext } from './channel.js';
import { fdChannel } from './channels/fd.js';
import { nullChannel } from './channels/null.js';
import { portChannel } from './channels/port.js';
import { ptsChannel } from './channels/pts.js';
import { ptyChannel } from './channels/pty.js';
import { ttyChannel } from './channels/tty.js';
import { PairChannel } from './pair.js';
import { parseChannel, readLineSwitches } from './parse.js';
import type { PortServers } from './port-server.js';

const types = [fdChannel, nullChannel, portChannel, ptyChannel, ptsChannel, ttyChannel];
const ports = { port: () => -98 } as unknown as PortServers;
const context: ChannelContext = { host: {} as Host, ports };
const parse = (spec: string): Channel | 'none' => parseChannel(spec, types, context);
const complaint = (spec: string): string => {
  try {
    parse(spec);
  } catch (error) {
    if (error instanceof BadChannel) return error.message;
    throw error;
  }
  return 'none';
};

describe('a channel', () => {
  test('is recognised by how it begins', () => {
    expect(parse('ptyfoo')).toBeInstanceOf(parse('pty').constructor as new () => Channel);
    expect(parse('none')).toBe('none');
  });

  test('may be two, split at the first comma', () => {
    expect(parse('null,fd:2')).toBeInstanceOf(PairChannel);
    expect(complaint('null,what')).toBe('');
  });

  test.each([
    ['fd', "fd_init : channel type 'fd' must specify a file descriptor"],
    ['fd:x', "fd_init : couldn't parse file descriptor 'x'"],
    ['tty', "tty_init : channel type 'tty' must specify a device"],
    ['port', "port_init : channel type 'port' must specify a port number"],
    ['port:x', "port_init : couldn't parse port 'x'"],
    ['port:9000', 'binding to port 9000 failed, errno = 98'],
    ['floppy', ''],
  ])('that makes no sense: %s', (spec, message) => {
    expect(complaint(spec)).toBe(message);
  });
});

describe('switches', () => {
  const read = (...words: string[]) => readLineSwitches({ kind: 'console', count: 16 }, words);

  test('the last of the same wins, in whatever order general and numbered ones come', () => {
    const { general, numbered } = read('3=pts', '=pty', '3=null', '=tty:/dev/tty1');
    expect(general).toBe('tty:/dev/tty1');
    expect([...numbered]).toEqual([[3, 'null']]);
  });

  test('numbers out of range and words without one', () => {
    const start = 'Failed to set up console with configuration string';
    expect(read('99=pty', 'x=pty').complaints).toEqual([
      `${start} "99=pty" : Device number out of range`,
      `${start} "x=pty" : Couldn't parse device number`,
    ]);
  });
});
