import { expect, test } from 'vitest';
import { parseUbdSwitch, type UbdRequest } from './request.js';

function request(text: string): UbdRequest {
  const parsed = parseUbdSwitch(text);
  if (parsed.kind !== 'device') throw new Error(parsed.kind);
  return parsed.request;
}

function reason(text: string): string | undefined {
  const parsed = parseUbdSwitch(text);
  return parsed.kind === 'error' ? parsed.reason : undefined;
}

test('a disk has a number, in any form of C, or a letter', () => {
  expect(['0=f', '15=f', '0xf=f', 'a=f', 'p=f', '017=f'].map((text) => request(text).unit)).toEqual([
    0, 15, 15, 0, 15, 15,
  ]);
  expect(reason('16=f')).toBe('Device number out of range');
  expect(reason('z=f')).toBe('Device number out of range');
  expect(reason('-=f')).toBe("Couldn't parse device number");
});

test('commas and colons divide file, backing file and serial number', () => {
  expect(request('0=cow,back')).toMatchObject({ file: 'cow', backing: 'back', serial: undefined });
  expect(request('0=cow:back:sn')).toMatchObject({ file: 'cow', backing: 'back', serial: 'sn' });
  expect(request('0=file,,sn')).toMatchObject({ file: 'file', backing: undefined, serial: 'sn' });
  expect(parseUbdSwitch('0=').kind).toBe('nothing');
});

test('flags', () => {
  expect(request('1rscdt=f')).toMatchObject({
    readOnly: true,
    sync: true,
    shared: true,
    noCow: true,
    noTrim: true,
  });
  expect(request('1=f')).toMatchObject({ readOnly: false, sync: false, shared: false, noCow: false });
  expect(reason('1x=f')).toBe("Expected '=' or flag letter (r, s, c, t or d)");
  expect(reason('1')).toBe("Expected '=' or flag letter (r, s, c, t or d)");
  expect(reason('1d=a,b')).toBe("Can't specify both 'd' and a cow file");
});

test('at most six flags', () => {
  expect(request('1ssssss=f').sync).toBe(true);
  expect(reason('1sssssss=f')).toBe('Too many flags specified');
  expect(reason('1sssssss')).toBe("Missing '='");
  expect(reason('1ssssssss=f')).toBe("Missing '='");
});

test('the switches that are for all disks', () => {
  expect(parseUbdSwitch('=sync')).toEqual({ kind: 'all-sync' });
  expect(parseUbdSwitch('=98')).toEqual({ kind: 'fake-major' });
});
