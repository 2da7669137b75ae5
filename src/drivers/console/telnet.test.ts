import { expect, test } from 'vitest';
import { BINARY, DO, DONT, ECHO, IAC, NAWS, SB, SE, SGA, Telnet, WILL, WONT } from './telnet.js';

const receive = (telnet: Telnet, ...bytes: number[]): number[] => {
  const buffer = Uint8Array.from(bytes);
  return [...buffer.subarray(0, telnet.receive(buffer))];
};
const started = (): Telnet => {
  const telnet = new Telnet();
  telnet.takeReplies();
  return telnet;
};

test('the server begins by offering to echo, character by character, and asks for the size of the window', () => {
  const first = [...new Telnet().takeReplies()];
  expect(first).toEqual([IAC, WILL, ECHO, IAC, WILL, SGA, IAC, WILL, BINARY, IAC, DO, NAWS, IAC, DO, BINARY]);
});

test('answers to our own offers are not answered', () => {
  const telnet = started();
  receive(telnet, IAC, DO, ECHO, IAC, DO, SGA, IAC, WILL, NAWS, IAC, DONT, BINARY, IAC, WONT, BINARY);
  expect([...telnet.takeReplies()]).toEqual([]);
});

test('what the client asks by itself is answered once', () => {
  const telnet = started();
  receive(telnet, IAC, WILL, SGA, IAC, WILL, SGA);
  expect([...telnet.takeReplies()]).toEqual([IAC, DO, SGA]);
  receive(telnet, IAC, DO, 5, IAC, WILL, 24);
  expect([...telnet.takeReplies()]).toEqual([IAC, WONT, 5, IAC, DONT, 24]);
});

test('the size of the window, with a 255 in it', () => {
  const telnet = started();
  expect(receive(telnet, 65, IAC, SB, NAWS, 0, IAC, IAC, 0, 50, IAC, SE, 66)).toEqual([65, 66]);
  expect(telnet.size).toEqual({ columns: 255, rows: 50 });
});

test('a line ends in CR NUL or CR LF, which may come in pieces', () => {
  const telnet = started();
  expect(receive(telnet, 97, 13, 0, 98, 13)).toEqual([97, 13, 98, 13]);
  expect(receive(telnet, 10, 99)).toEqual([99]);
});

test('in binary mode all bytes are data', () => {
  const telnet = started();
  expect(receive(telnet, IAC, WILL, BINARY, 13, 0, 13, 10, IAC, IAC)).toEqual([13, 0, 13, 10, 255]);
});

test('interrupt, break and end-of-file are the keys for them', () => {
  expect(receive(started(), IAC, 244, IAC, 243, IAC, 236)).toEqual([3, 3, 4]);
});

test('are you there', () => {
  const telnet = started();
  receive(telnet, IAC, 246);
  expect(String.fromCharCode(...telnet.takeReplies())).toBe('\r\n[Yes]\r\n');
});

test('in what is sent a 255 is doubled and a lone CR gets its NUL', () => {
  const telnet = started();
  expect([...telnet.send(Uint8Array.of(255, 13, 10, 13))]).toEqual([255, 255, 13, 10, 13]);
  expect([...telnet.send(Uint8Array.of(65))]).toEqual([0, 65]);
});

test('an endless subnegotiation is not kept', () => {
  const telnet = started();
  receive(telnet, IAC, SB, NAWS);
  for (let round = 0; round < 100; round++)
    expect(receive(telnet, ...Array<number>(100).fill(1))).toEqual([]);
  expect(receive(telnet, IAC, SE, 65)).toEqual([65]);
  expect(telnet.size).toBeUndefined();
});
