import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KernelBuffer } from '../../lib/io-buffer.js';
import { ETIMEDOUT } from '../../uapi/errno.js';
import { TCPHDR_ACK, TCPHDR_RST, TCPHDR_SYN } from '../../uapi/ip.js';
import { Packet } from '../packet.js';
import { TcpConnection, type TcpEnvironment, type TcpSettings } from './tcp-connection.js';
import { answer, open, receive } from './tcp-input.js';
import { afterRead, output } from './tcp-output.js';
import { OutOfOrder } from './tcp-reassembly.js';
import { parseSegment, putHeader, type Segment } from './tcp-segment.js';
import { abort, clock, closeSending } from './tcp-timer.js';

const MS = 1e6;

/** What becomes of each segment, in turn: lost, or delivered after some milliseconds, once or twice. */
interface Fate {
  readonly lost: boolean;
  readonly delay: number;
  readonly twice: boolean;
}

const clear: Fate = { lost: false, delay: 1, twice: false };

const settings = (initialSequence: number, capacity: number, mss = 1000): TcpSettings => ({
  mss,
  receiveCapacity: capacity,
  sendCapacity: capacity,
  initialSequence,
  timestampOffset: 12_345,
});

/** Two ends and a bad network between them, in a time of their own. */
class Wire implements TcpEnvironment {
  time = 1000 * MS;
  readonly client: TcpConnection;
  readonly server: TcpConnection;
  /** All that was sent, in order. */
  readonly log: { readonly from: TcpConnection; readonly segment: Segment }[] = [];
  private readonly travelling: { at: number; order: number; to: TcpConnection; segment: Segment }[] = [];
  private order = 0;

  constructor(
    private readonly fates: readonly Fate[] = [],
    capacity = 20_000,
    isn = 0xffff_f000,
    private readonly capacityOfServer = capacity,
  ) {
    this.client = new TcpConnection(this, settings(isn, capacity));
    this.server = new TcpConnection(this, settings(isn ^ 0x5555_5555, this.capacityOfServer));
  }

  now(): number {
    return this.time;
  }

  transmit(from: TcpConnection, segment: Segment): void {
    const fate = this.fates[this.log.length] ?? clear;
    // What travels must not change when the sender reuses its buffer.
    const sent = { ...segment, data: segment.data.slice() };
    this.log.push({ from, segment: sent });
    if (fate.lost) return;
    const to = from === this.client ? this.server : this.client;
    for (let copy = 0; copy < (fate.twice ? 2 : 1); copy++)
      this.travelling.push({
        at: this.time + (fate.delay + copy * 3) * MS,
        order: this.order++,
        to,
        segment: sent,
      });
  }

  /** Lets time pass until nothing is under way and no timer runs before `until`. False when nothing is left to happen. */
  step(): boolean {
    const deadlines = [this.client.deadline, this.server.deadline, ...this.travelling.map(({ at }) => at)];
    const next = Math.min(...deadlines);
    if (next === Infinity) return false;
    this.time = Math.max(this.time, next);
    const due = this.travelling
      .filter(({ at }) => at <= this.time)
      .sort((a, b) => a.at - b.at || a.order - b.order);
    for (const arrival of due) {
      this.travelling.splice(this.travelling.indexOf(arrival), 1);
      this.arrive(arrival.to, arrival.segment);
    }
    for (const end of [this.client, this.server]) if (end.deadline <= this.time) clock(end);
    return true;
  }

  private arrive(to: TcpConnection, segment: Segment): void {
    const isCall = (segment.flags & (TCPHDR_SYN | TCPHDR_ACK)) === TCPHDR_SYN;
    if (to === this.server && to.state === 'closed' && to.segmentsIn === 0 && isCall) {
      to.segmentsIn++;
      answer(to, segment);
    } else receive(to, segment);
  }

  /** Runs until `condition` holds; fails when it never does. */
  until(condition: () => boolean): void {
    for (let steps = 0; !condition(); steps++) {
      if (steps > 20_000 || !this.step())
        throw new Error(`stuck: ${this.client.state}, ${this.server.state}`);
    }
  }

  connect(): this {
    open(this.client);
    this.until(() => this.client.synchronized && this.server.synchronized);
    return this;
  }
}

function write(tcp: TcpConnection, bytes: Uint8Array): number {
  const count = tcp.write(new KernelBuffer(bytes));
  output(tcp);
  return count;
}

function read(tcp: TcpConnection, most: number): Uint8Array {
  const bytes = new Uint8Array(most);
  const count = tcp.read(new KernelBuffer(bytes));
  afterRead(tcp);
  return bytes.subarray(0, count);
}

const pattern = (from: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => ((from + index) * 7 + ((from + index) >> 8)) & 0xff);

/** Sends `total` bytes each way by pieces, and closes. Both ends read what they get, by pieces too. */
function exchange(wire: Wire, total: number, piece: number, chunk: number): void {
  const ends = [wire.client, wire.server].map((tcp) => ({ tcp, sent: 0, got: 0, ended: false }));
  wire.until(() => {
    for (const end of ends) {
      while (end.tcp.readable > 0) {
        const bytes = read(end.tcp, chunk);
        expect(bytes).toEqual(pattern(end.got, bytes.length));
        end.got += bytes.length;
      }
      if (end.tcp.canSend && end.sent < total)
        end.sent += write(end.tcp, pattern(end.sent, Math.min(piece, total - end.sent)));
      if (end.tcp.canSend && end.sent === total) closeSending(end.tcp);
      end.ended = end.tcp.finReceived && end.got === total;
    }
    return ends.every(({ ended }) => ended);
  });
}

const fate: fc.Arbitrary<Fate> = fc.record({
  lost: fc.boolean().chain((coin) => (coin ? fc.boolean() : fc.constant(false))),
  delay: fc.integer({ min: 1, max: 60 }),
  twice: fc.integer({ min: 0, max: 9 }).map((value) => value === 0),
});

test('connects, moves bytes both ways and closes in order', () => {
  const wire = new Wire().connect();
  exchange(wire, 5000, 700, 300);
  wire.until(() => wire.client.state === 'time-wait' || wire.server.state === 'time-wait');
  wire.until(() => wire.client.state === 'closed' && wire.server.state === 'closed');
  expect(wire.client.failure).toBeUndefined();
  expect(wire.server.failure).toBeUndefined();
});

test('delivers everything in order over a network that loses, delays, reorders and repeats', () => {
  fc.assert(
    fc.property(
      fc.array(fate, { maxLength: 120 }),
      fc.integer({ min: 0, max: 15_000 }),
      fc.integer({ min: 100, max: 3000 }),
      fc.integer({ min: 100, max: 3000 }),
      fc.constantFrom(0, 0xffff_ff00, 0x7fff_ff00),
      (fates, total, piece, chunk, isn) => {
        const wire = new Wire(fates, 8000, isn);
        open(wire.client);
        exchange(wire, total, piece, chunk);
        wire.until(() => wire.client.state === 'closed' && wire.server.state === 'closed');
      },
    ),
    { numRuns: 60 },
  );
});

test('a reader that does not read stops the writer; the window opens again when it does', () => {
  const wire = new Wire([], 4000).connect();
  let sent = 0;
  for (let round = 0; round < 20; round++) {
    sent += write(wire.client, pattern(sent, 2000));
    for (let step = 0; step < 5; step++) wire.step();
  }
  // What both buffers hold.
  expect(sent).toBeLessThanOrEqual(8000);
  expect(wire.server.readable).toBeGreaterThan(3500);
  let got = 0;
  wire.until(() => {
    while (wire.server.readable > 0) got += read(wire.server, 500).length;
    return got === sent;
  });
});

test('a window update that is lost is made up for by a probe', () => {
  const wire = new Wire([], 3000).connect();
  write(wire.client, pattern(0, 3000));
  wire.until(() => wire.server.readable === 3000);
  write(wire.client, pattern(3000, 1000));
  expect(read(wire.server, 3000)).toHaveLength(3000);
  // Nobody hears of it.
  (wire as unknown as { travelling: unknown[] }).travelling.length = 0;
  wire.until(() => wire.server.readable === 1000);
});

describe('small segments', () => {
  test('wait for the acknowledgement of what is under way', () => {
    const wire = new Wire().connect();
    const before = wire.log.length;
    for (let count = 0; count < 10; count++) write(wire.client, pattern(count * 10, 10));
    expect(wire.log.length - before).toBe(1);
    wire.until(() => wire.server.readable === 100);
    const sizes = wire.log
      .slice(before)
      .filter(({ from }) => from === wire.client)
      .map(({ segment }) => segment.data.length);
    expect(sizes.filter((size) => size > 0)).toEqual([10, 90]);
  });

  test('go at once with TCP_NODELAY', () => {
    const wire = new Wire().connect();
    wire.client.noDelay = true;
    const before = wire.log.length;
    for (let count = 0; count < 10; count++) write(wire.client, pattern(count * 10, 10));
    expect(wire.log.length - before).toBe(10);
  });

  test('wait for a full one with TCP_CORK, but not for ever', () => {
    const wire = new Wire().connect();
    wire.client.corked = true;
    const before = wire.log.length;
    write(wire.client, pattern(0, 10));
    expect(wire.log.length - before).toBe(0);
    wire.until(() => wire.server.readable === 10);
  });
});

test('three acknowledgements of the same bring the lost segment back before its time', () => {
  const fates = [...Array.from({ length: 4 }, () => clear), { ...clear, lost: true }];
  const wire = new Wire(fates, 40_000).connect();
  // The handshake has taken 3; the second data segment is lost.
  write(wire.client, pattern(0, 10_000));
  const start = wire.time;
  wire.until(() => wire.server.readable === 10_000);
  expect(wire.time - start).toBeLessThan(150 * MS);
});

test('gives up a peer that never answers', () => {
  const wire = new Wire(Array.from({ length: 40 }, () => ({ ...clear, lost: true })));
  open(wire.client);
  wire.until(() => wire.client.state === 'closed');
  expect(wire.client.failure).toBe(ETIMEDOUT);
  expect(wire.log).toHaveLength(7);
});

test('a reset ends both sides at once', () => {
  const wire = new Wire().connect();
  abort(wire.client);
  wire.until(() => wire.server.state === 'closed');
  expect(wire.server.failure?.name).toBe('ECONNRESET');
});

test('a reset that only guesses where we are is asked for proof', () => {
  const wire = new Wire().connect();
  const { server } = wire;
  const forged = {
    seq: (server.rcvNxt + 100) >>> 0,
    ack: 0,
    flags: TCPHDR_RST,
    window: 0,
    data: new Uint8Array(0),
    options: {},
  };
  receive(server, forged);
  expect(server.state).toBe('established');
  receive(server, { ...forged, seq: server.rcvNxt });
  expect(server.state).toBe('closed');
});

test('two who call each other at the same time are connected', () => {
  const wire = new Wire();
  open(wire.client);
  wire.server.segmentsIn = 1;
  open(wire.server);
  wire.until(() => wire.client.state === 'established' && wire.server.state === 'established');
  exchange(wire, 2000, 500, 500);
});

test('keep-alive notices a peer that is gone', () => {
  const wire = new Wire().connect();
  Object.assign(wire.client, {
    keepAlive: true,
    keepIdle: 10e9,
    keepInterval: 1e9,
    keepCount: 3,
    keepAliveAt: wire.time + 10e9,
  });
  wire.server.environment.transmit(wire.server, {
    seq: 0,
    ack: 0,
    flags: 0,
    window: 0,
    data: new Uint8Array(0),
    options: {},
  });
  // The server's answers do not come through any more.
  wire.server.finish();
  wire.until(() => wire.client.state === 'closed');
  expect(wire.client.failure).toBe(ETIMEDOUT);
});

test('pieces that come out of order are put in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 80 })), { minLength: 1, maxLength: 40 }),
      fc.constantFrom(0, 0xffff_ff80),
      (ranges, base) => {
        const queue = new OutOfOrder();
        const known = new Set<number>();
        for (const [from, length] of ranges) {
          queue.add((base + from) >>> 0, pattern(from, length));
          for (let at = from; at < from + length; at++) known.add(at);
        }
        for (const [from, to] of queue.blocks())
          for (let at = (from - base) >>> 0; at < (to - base) >>> 0; at++) expect(known.has(at)).toBe(true);
        let next = Math.min(...known);
        for (
          let piece = queue.take((base + next) >>> 0);
          piece !== undefined;
          piece = queue.take((base + next) >>> 0)
        ) {
          expect(piece).toEqual(pattern(next, piece.length));
          next += piece.length;
        }
        expect(known.has(next)).toBe(false);
      },
    ),
  );
});

test('segments survive being written and read', () => {
  const word = fc.integer({ min: 0, max: 0xffff_ffff });
  const segment = fc.record({
    seq: word,
    ack: word,
    flags: fc.integer({ min: 0, max: 255 }),
    window: fc.integer({ min: 0, max: 0xffff }),
    data: fc.uint8Array({ maxLength: 100 }),
    options: fc.record(
      {
        mss: fc.integer({ min: 0, max: 0xffff }),
        windowScale: fc.integer({ min: 0, max: 14 }),
        sackPermitted: fc.constant(true),
        sack: fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 3 }),
      },
      { requiredKeys: [] },
    ),
  });
  fc.assert(
    fc.property(segment, fc.option(fc.tuple(word, word)), (original, times) => {
      const options =
        times === null
          ? { ...original.options }
          : { ...original.options, timestamp: times[0], timestampEcho: times[1] };
      // Those of a SYN and SACK's blocks never come together, and would not fit.
      if (Object.keys(original.options).length > 1) delete (options as { sack?: unknown }).sack;
      const packet = Packet.around(original.data);
      putHeader(packet, { ...original, options }, 1, 2);
      const bytes = packet.linear().slice();
      expect(parseSegment(Packet.incoming(bytes))).toEqual({ ...original, options });
    }),
  );
});

test('whatever is received as a segment is read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      parseSegment(Packet.incoming(bytes));
    }),
  );
});
