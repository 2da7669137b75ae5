import { expect, test } from 'vitest';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../uapi/mman.js';
import { sys_mmap } from './mmap.js';
import { maps, smaps, smapsRollup, statm, statusMemory } from './proc-maps.js';
import { memInfo, vmStat } from './proc-meminfo.js';
import { Guest, TestMachine } from './testing.js';

const RW = PROT_READ | PROT_WRITE;
const FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
const noFiles = (): string => {
  throw new Error('no files here');
};

function start(): Guest {
  const machine = new TestMachine();
  const guest = new Guest(machine, machine.newSpace());
  const { space } = guest;
  space.map({ address: 0x40_0000, length: 0x2000, protection: PROT_READ | PROT_EXEC, flags: FIXED });
  space.map({ address: 0x60_0000, length: 0x2_1000, protection: RW, flags: FIXED });
  space.startBrk = 0x60_0000;
  space.brk = 0x62_1000;
  space.map({
    address: 0x7000_0000_0000,
    length: 0x2_1000,
    protection: RW,
    flags: FIXED | MAP_GROWSDOWN,
  });
  space.startStack = 0x7000_0002_0800;
  guest.call(sys_mmap, 0x1000_0000, 0x4000, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  guest.write(0x60_0000, 1);
  return guest;
}

test('maps looks as on Linux', () => {
  const { space } = start();
  const ino = space.vmas.find(0x1000_0000)?.object?.describe?.ino;
  const shared = `10000000-10004000 rw-s 00000000 00:01 ${ino} `;
  expect(maps(space, noFiles)).toBe(
    '00400000-00402000 r-xp 00000000 00:00 0 \n' +
      '00600000-00621000 rw-p 00000000 00:00 0                                  [heap]\n' +
      `${shared.padEnd(73)}/dev/zero (deleted)\n` +
      '700000000000-700000021000 rw-p 00000000 00:00 0                          [stack]\n' +
      '7fffe0000000-7fffe0004000 r--p 00000000 00:00 0                          [vvar]\n' +
      '7fffe0004000-7fffe0006000 r-xp 00000000 00:00 0                          [vdso]\n',
  );
});

test('smaps adds up', () => {
  const { space } = start();
  const text = smaps(space, noFiles);
  const heap = text.slice(text.indexOf('[heap]'), text.indexOf('/dev/zero'));
  expect(heap).toContain('Size:                132 kB\n');
  expect(heap).toContain('Rss:                  64 kB\n');
  expect(heap).toContain('Private_Dirty:        64 kB\n');
  expect(heap).toContain('VmFlags: rd wr mr mw me ac \n');
  expect(smapsRollup(space)).toContain('Pss_Anon:             64 kB\n');
  expect(statm(space)).toBe(`${space.totalPages} 16 0 0 0 66 0\n`);
  expect(statusMemory(space)).toContain('VmRSS:\t      64 kB\n');
});

test('meminfo tells where memory is', () => {
  const { machine } = start();
  const { memory } = machine;
  const values = new Map(
    Array.from(memInfo(memory).matchAll(/^(\S+): +(\d+)/gm), ([, name, value]) => [name, Number(value)]),
  );
  expect(values.get('MemTotal')).toBe(memory.frames.total * 4);
  expect(values.get('MemFree')).toBe(memory.frames.free * 4);
  expect(values.get('AnonPages')).toBe(64);
  expect(values.get('VmallocTotal')).toBe(34_359_738_367);
  expect(vmStat(memory)).toContain('pgfault 1\n');
});
