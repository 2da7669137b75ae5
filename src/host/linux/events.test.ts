import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { READY_HUP, READY_IN, READY_OUT, type ReadyListener } from '../host.js';
import { LinuxClock } from './clock.js';
import { LinuxEvents } from './events.js';

class Recorder implements ReadyListener {
  readonly calls: [fd: number, ready: number][] = [];
  hostReady(fd: number, ready: number): void {
    this.calls.push([fd, ready]);
  }
}

let directory = '';
let events: LinuxEvents;
let recorder: Recorder;
const open: number[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'host-events-'));
  events = new LinuxEvents();
  recorder = new Recorder();
});
afterEach(() => {
  events.close();
  for (const fd of open.splice(0)) fs.closeSync(fd);
  fs.rmSync(directory, { recursive: true, force: true });
});

function fifo(): [reader: number, writer: number] {
  const path = join(directory, `fifo${open.length}`);
  execFileSync('mkfifo', [path]);
  const reader = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const writer = fs.openSync(path, 'w');
  open.push(reader, writer);
  return [reader, writer];
}

test('a descriptor is reported while the cause lasts', () => {
  const [reader, writer] = fifo();
  events.watch(reader, READY_IN, recorder);
  events.poll(0);
  expect(recorder.calls).toEqual([]);
  fs.writeSync(writer, 'x');
  events.poll(Infinity);
  events.poll(0);
  expect(recorder.calls).toEqual([
    [reader, READY_IN],
    [reader, READY_IN],
  ]);
  fs.readSync(reader, new Uint8Array(8));
  events.poll(0);
  expect(recorder.calls).toHaveLength(2);
});

test('an interest that is dropped is not reported, and can come back', () => {
  const [, writer] = fifo();
  events.watch(writer, READY_OUT, recorder);
  events.watch(writer, 0, recorder);
  events.watch(writer, 0, recorder);
  events.poll(0);
  expect(recorder.calls).toEqual([]);
  events.watch(writer, READY_IN | READY_OUT, recorder);
  events.watch(writer, READY_OUT, recorder);
  events.poll(0);
  expect(recorder.calls).toEqual([[writer, READY_OUT]]);
});

test('a hang-up is reported', () => {
  const [reader, writer] = fifo();
  events.watch(reader, READY_IN, recorder);
  fs.closeSync(writer);
  open.splice(open.indexOf(writer), 1);
  events.poll(0);
  expect(recorder.calls).toEqual([[reader, READY_HUP]]);
});

test('a listener may drop the interest of another one in the same round', () => {
  const [a, aWriter] = fifo();
  const [b, bWriter] = fifo();
  fs.writeSync(aWriter, 'x');
  fs.writeSync(bWriter, 'x');
  const seen: number[] = [];
  const listener: ReadyListener = {
    hostReady(fd) {
      seen.push(fd);
      events.watch(a, 0, listener);
      events.watch(b, 0, listener);
    },
  };
  events.watch(a, READY_IN, listener);
  events.watch(b, READY_IN, listener);
  events.poll(0);
  expect(seen).toHaveLength(1);
});

test('a regular file is always ready, and keeps poll from waiting', () => {
  const path = join(directory, 'regular');
  fs.writeFileSync(path, 'x');
  const fd = fs.openSync(path, 'r');
  open.push(fd);
  events.watch(fd, READY_IN, recorder);
  events.poll(Infinity);
  events.poll(Infinity);
  expect(recorder.calls).toEqual([
    [fd, READY_IN],
    [fd, READY_IN],
  ]);
  events.watch(fd, 0, recorder);
  events.poll(0);
  expect(recorder.calls).toHaveLength(2);
});

test('a timeout in nanoseconds is kept, and never early', () => {
  const clock = new LinuxClock();
  const start = clock.now();
  events.poll(2_500_000);
  const waited = clock.now() - start;
  expect(waited).toBeGreaterThanOrEqual(2_500_000);
});

test('the doorbell ends a wait and is silent afterwards', () => {
  fs.writeSync(events.doorbell, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]));
  events.poll(Infinity);
  expect(events.takeRing()).toBe(true);
  expect(events.takeRing()).toBe(false);
  events.poll(0);
  expect(events.takeRing()).toBe(false);
});

test('kernel time begins near zero, never goes back, and is whole nanoseconds', () => {
  const clock = new LinuxClock();
  let last = 0;
  for (let index = 0; index < 1000; index++) {
    const now = clock.now();
    expect(Number.isSafeInteger(now)).toBe(true);
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
  expect(last).toBeLessThan(5_000_000_000);
});

test('the real-time clock is that of the host', () => {
  const { sec, nsec } = new LinuxClock().read(0);
  expect(Math.abs(sec * 1000 + nsec / 1e6 - Date.now())).toBeLessThan(1000);
  expect(nsec).toBeLessThan(1_000_000_000);
});
