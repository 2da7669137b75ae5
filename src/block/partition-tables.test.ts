import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Kernel } from '../kernel/kernel.js';
import { Disk } from './device.js';
import { readPartitions } from './partition-tables.js';

class MemoryDisk extends Disk {
  override readonly size: number;
  constructor(private readonly bytes: Uint8Array) {
    super(undefined as unknown as Kernel, 'mem', 0);
    this.size = bytes.length;
  }
  override read(offset: number, into: Uint8Array): void {
    into.set(this.bytes.subarray(offset, offset + into.length));
  }
  override write(): void {
    throw new Error('nobody writes');
  }
  override flush(): number {
    return 0;
  }
}

const MIB = 2 ** 20;
const sfdisk = spawnSync('sfdisk', ['--version']).status === 0;
if (!sfdisk) console.log('skipped: partition tables made by sfdisk: it is not installed');

/** A disk of 32 MiB that sfdisk has divided. */
function divided(script: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'partitions-'));
  const file = join(directory, 'disk');
  try {
    writeFileSync(file, '');
    truncateSync(file, 32 * MIB);
    execFileSync('sfdisk', ['-q', file], { input: script });
    return new Uint8Array(readFileSync(file));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe.skipIf(!sfdisk)('tables made by sfdisk', () => {
  test('MBR, with logical partitions', () => {
    const disk = divided(`label: dos
label-id: 0x1234abcd
start=2048, size=4096, type=83
start=8192, type=5
start=10240, size=2048, type=83
start=14336, size=4096, type=82
`);
    expect(readPartitions(new MemoryDisk(disk))).toEqual([
      { number: 1, start: 2048, sectors: 4096, uuid: '1234abcd-01' },
      { number: 2, start: 8192, sectors: 2, uuid: '1234abcd-02' },
      { number: 5, start: 10_240, sectors: 2048, uuid: '1234abcd-05' },
      { number: 6, start: 14_336, sectors: 4096, uuid: '1234abcd-06' },
    ]);
  });

  test('GPT; its copy at the end serves when the first is damaged', () => {
    const disk = divided(`label: gpt
start=2048, size=4096, name="one", uuid=01234567-89AB-CDEF-0123-456789ABCDEF
start=8192, size=4096, name="two", uuid=11234567-89AB-CDEF-0123-456789ABCDEF
`);
    const wanted = [
      { number: 1, start: 2048, sectors: 4096, uuid: '01234567-89ab-cdef-0123-456789abcdef', label: 'one' },
      { number: 2, start: 8192, sectors: 4096, uuid: '11234567-89ab-cdef-0123-456789abcdef', label: 'two' },
    ];
    expect(readPartitions(new MemoryDisk(disk))).toEqual(wanted);
    disk[512 + 40] ^= 1;
    expect(readPartitions(new MemoryDisk(disk))).toEqual(wanted);
  });

  test('no damage makes the reader fall over, nor shows what is not on the disk', () => {
    const good = divided('label: dos\nstart=2048, size=4096\nstart=8192, type=5\nstart=10240, size=2048\n');
    const change = fc.record({
      at: fc.integer({ min: 440, max: 511 }),
      where: fc.constantFrom(0, 8192),
      byte: fc.nat(255),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        const disk = good.slice(0, 6 * MIB);
        for (const { at, where, byte } of changes) disk[where * 512 + at] = byte;
        for (const { start, sectors, number } of readPartitions(new MemoryDisk(disk))) {
          expect(number).toBeLessThanOrEqual(15);
          expect((start + sectors) * 512).toBeLessThanOrEqual(disk.length);
        }
      }),
    );
  });
});

test('a disk without a table has no partitions', () => {
  expect(readPartitions(new MemoryDisk(new Uint8Array(MIB)))).toEqual([]);
  expect(readPartitions(new MemoryDisk(new Uint8Array(512)))).toEqual([]);
});
