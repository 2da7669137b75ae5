/** uml_mkcow and uml_moo beside the C programs of Debian's uml-utilities: the same files, messages and statuses. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cowLayout, encodeCowHeader, newCowHeader } from '../../src/drivers/block/cow-format.js';
import { repository } from '../support/machine.js';

const tool = (name: string): string => join(repository, 'bin', `${name}.js`);
const TIME = 1_000_000_000;
const SIZE = 65_536;

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cow-tools-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (name: string): string => join(directory, name);

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(command: string, args: readonly string[]): Result {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: directory, encoding: 'latin1' });
  return { status, stdout, stderr };
}
const ours = (name: string, ...args: string[]): Result => start(process.execPath, [tool(name), ...args]);
const theirs = (name: string, ...args: string[]): Result => start(name, args);

function makeBacking(name = 'back', size = SIZE): void {
  closeSync(openSync(at(name), 'w'));
  truncateSync(at(name), size);
  utimesSync(at(name), TIME, TIME);
}

/** A copy-on-write file with these sectors, each filled with its number. */
function makeCow(name: string, sectors: readonly number[], size = SIZE): void {
  const header = newCowHeader(at('back'), TIME, size);
  const { bitmapOffset, dataOffset } = cowLayout(header);
  const file = openSync(at(name), 'w');
  writeSync(file, encodeCowHeader(header), 0, undefined, 0);
  writeSync(file, new Uint8Array(1), 0, 1, dataOffset + size - 1);
  const bitmap = new Uint8Array(Math.ceil(size / 512 / 8));
  for (const sector of sectors) {
    bitmap[sector >>> 3] |= 1 << (sector & 7);
    writeSync(file, new Uint8Array(512).fill(sector + 1), 0, 512, dataOffset + sector * 512);
  }
  writeSync(file, bitmap, 0, bitmap.length, bitmapOffset);
  closeSync(file);
}

function expected(sectors: readonly number[], size = SIZE): Buffer {
  const disk = Buffer.alloc(size);
  for (const sector of sectors) disk.fill(sector + 1, sector * 512, sector * 512 + 512);
  return disk;
}

describe('uml_mkcow', () => {
  test('writes the bytes that the reference gives', () => {
    makeBacking();
    expect(ours('uml_mkcow', 'c', 'back')).toEqual({ status: 0, stdout: '', stderr: '' });
    const bytes = readFileSync(at('c'));
    expect(bytes.length).toBe(77_824);
    expect(bytes.subarray(0, 32).toString('hex')).toBe(
      '4f4f4f4d000000033b9aca00000000000001000000000200' + '0000100000000000',
    );
    const name = at('back');
    expect(bytes.subarray(32, 32 + name.length).toString('latin1')).toBe(name);
    expect(bytes.subarray(32 + name.length).every((byte) => byte === 0)).toBe(true);
    expect(statSync(at('c')).mode & 0o777).toBe(0o644);
    expect(statSync(at('c')).blocks).toBeLessThanOrEqual(24);
  });

  test('refuses to overwrite, unless told to', () => {
    makeBacking();
    makeCow('c', [3]);
    expect(ours('uml_mkcow', 'c', 'back')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'open COW file: File exists\n',
    });
    expect(ours('uml_mkcow', '-f', 'c', 'back').status).toBe(0);
    // Unlike the C program's: nothing of the old file is left.
    expect(
      readFileSync(at('c'))
        .subarray(8192, 8208)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  test('leaves nothing behind when the backing file is missing', () => {
    const { status, stdout, stderr } = ours('uml_mkcow', 'c', 'nothing');
    expect(status).toBe(1);
    expect(stdout).toBe(`write_cow_header - backing file '${at('nothing')}' mtime request failed, err = 1\n`);
    expect(stderr).toContain('write_cow_header: Operation not permitted\n');
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('uml_moo', () => {
  test('in place: changed sectors go to the backing file', () => {
    makeBacking();
    makeCow('c', [0, 5, 127]);
    expect(ours('uml_moo', '-d', 'c')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(at('back')).equals(expected([0, 5, 127]))).toBe(true);
    expect(existsSync(at('c.merging'))).toBe(false);
  });

  test('in place: what was interrupted can be run again', () => {
    makeBacking();
    makeCow('c', [0, 5, 127]);
    writeFileSync(at('c.merging'), at('back'));
    utimesSync(at('back'), TIME + 5, TIME + 5);
    expect(ours('uml_moo', '-d', 'c').status).toBe(0);
    expect(readFileSync(at('back')).equals(expected([0, 5, 127]))).toBe(true);
  });

  test('a backing file that has changed is refused', () => {
    makeBacking();
    makeCow('c', [1]);
    utimesSync(at('back'), TIME + 1, TIME + 1);
    expect(ours('uml_moo', 'c', 'new').stderr).toBe(
      `mtime mismatch (${TIME} vs ${TIME + 1}) of COW header vs backing file "${at('back')}"\n`,
    );
    expect(existsSync(at('new'))).toBe(false);
  });

  test('the last part of a disk that is no whole number of sectors stays', () => {
    makeBacking('back', 4708);
    makeCow('c', [0], 4708);
    expect(ours('uml_moo', 'c', 'new').status).toBe(0);
    expect(statSync(at('new')).size).toBe(4708);
  });
});

const utilities = existsSync('/usr/bin/uml_mkcow') && existsSync('/usr/bin/uml_moo');
if (!utilities) console.log('skipped: beside the C tools: uml-utilities is not installed');

describe.skipIf(!utilities)('beside the C tools', () => {
  test('uml_mkcow makes the same file', () => {
    for (const size of [512, SIZE, 10_240_000, 4096 * 8 * 512 + 512]) {
      makeBacking('back', size);
      expect(ours('uml_mkcow', '-f', 'ours', 'back').status).toBe(0);
      expect(theirs('uml_mkcow', '-f', 'theirs', 'back').status).toBe(0);
      execFileSync('cmp', [at('ours'), at('theirs')]);
      rmSync(at('theirs'));
    }
  });

  test('the same complaints', () => {
    makeBacking();
    makeCow('c', [1]);
    writeFileSync(at('plain'), Buffer.alloc(8192));
    const words: readonly (readonly [string, ...string[]])[] = [
      ['uml_moo'],
      ['uml_moo', 'a', 'b', 'c'],
      ['uml_moo', 'missing', 'new'],
      ['uml_moo', '-b', 'missing', 'c', 'new'],
      ['uml_moo', 'c', 'nowhere/new'],
      ['uml_moo', 'plain', 'new'],
      ['uml_mkcow'],
      ['uml_mkcow', 'c', 'back'],
      ['uml_mkcow', 'nowhere/c', 'back'],
    ];
    for (const [name, ...args] of words)
      expect([args, ours(name, ...args)]).toEqual([args, theirs(name, ...args)]);
  });

  test('uml_moo gives the same disk for any sectors', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 127 }), { maxLength: 40 }), (sectors) => {
        makeBacking();
        makeCow('c', sectors);
        expect(ours('uml_moo', 'c', 'ours').status).toBe(0);
        expect(theirs('uml_moo', 'c', 'theirs').status).toBe(0);
        expect(readFileSync(at('ours')).equals(expected(sectors))).toBe(true);
        expect(readFileSync(at('theirs')).equals(expected(sectors))).toBe(true);
      }),
      { numRuns: 8 },
    );
  });
});
