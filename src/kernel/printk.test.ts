import { expect, test } from 'vitest';
import type { HostClock } from '../host/host.js';
import { lineBytes, type LogConsole, type LogRecord, Printk, timeStamp } from './printk.js';

class Recorder implements LogConsole {
  readonly lines: string[] = [];
  write({ text }: LogRecord): void {
    this.lines.push(text);
  }
}

function makeLog(): { log: Printk; at: (time: number) => void } {
  let now = 0;
  const clock: HostClock = { now: () => now, read: () => ({ sec: 0, nsec: 0 }) };
  return { log: new Printk(clock), at: (time) => (now = time) };
}

test('time stamps are seconds and microseconds, as dmesg shows them', () => {
  expect(timeStamp(0)).toBe('[    0.000000] ');
  expect(timeStamp(1_234_567_890)).toBe('[    1.234567] ');
  expect(timeStamp(123_456_000_001_999)).toBe('[123456.000001] ');
});

test('a console is shown records that are important enough', () => {
  const { log } = makeLog();
  const console = new Recorder();
  log.addConsole(console, true);
  log.consoleLevel = 4;
  log.warn('warning');
  log.error('error');
  log.info('information');
  expect(console.lines).toEqual(['error']);
  expect(log.records.map(({ level }) => level)).toEqual([4, 3, 6]);
});

test('a new console is shown what came before, unless another has shown it', () => {
  const { log } = makeLog();
  log.info('early');
  const [first, second] = [new Recorder(), new Recorder()];
  log.addConsole(first, true);
  log.addConsole(second, false);
  log.info('late');
  expect(first.lines).toEqual(['early', 'late']);
  expect(second.lines).toEqual(['late']);
});

test('several lines are several records of the same time', () => {
  const { log, at } = makeLog();
  at(5);
  log.info('one\ntwo');
  expect(log.records).toEqual([
    { sequence: 0, level: 6, facility: 0, time: 5, text: 'one' },
    { sequence: 1, level: 6, facility: 0, time: 5, text: 'two' },
  ]);
});

test('the ring forgets the oldest, and numbers go on', () => {
  const { log } = makeLog();
  for (let index = 0; index < 20_000; index++) log.info(String(index));
  expect(log.records.length).toBeLessThanOrEqual(8192);
  expect(log.records.at(-1)).toMatchObject({ sequence: 19_999, text: '19999' });
});

test('byte strings are written as they are, other text as UTF-8', () => {
  expect([...lineBytes('a\xff')]).toEqual([0x61, 0xff]);
  expect([...lineBytes('\u20ac')]).toEqual([0xe2, 0x82, 0xac]);
});
