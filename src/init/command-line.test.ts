import { describe, expect, test } from 'vitest';
import type { Params } from '../kernel/params.js';
import { UTS_RELEASE } from '../kernel/version.js';
import { type CommandLineResult, parseCommandLine } from './command-line.js';
import { kernelParameters } from './parameters.js';
import { deviceSwitch, MAX_MEMORY, MIN_MEMORY, umlSwitches } from './switches.js';

const ubd = deviceSwitch('ubd', 'ubd<n>=<file>\n    A disk.');
const switches = [...umlSwitches([ubd], () => 'CONFIG_X=y\n'), ...kernelParameters];

function parse(words: string[], defaultRoot: 'ubd' | 'host' = 'ubd'): CommandLineResult {
  return parseCommandLine(words, { switches, defaultRoot });
}

function boot(...words: string[]): Params {
  const result = parse(words);
  if (result.kind !== 'boot') throw new Error(`no boot: ${JSON.stringify(result)}`);
  return result.params;
}

function error(...words: string[]): string {
  const result = parse(words);
  if (result.kind !== 'error') throw new Error(`no error: ${JSON.stringify(result)}`);
  return result.message;
}

function printed(...words: string[]): string {
  const result = parse(words);
  if (result.kind !== 'print') throw new Error(`nothing printed: ${JSON.stringify(result)}`);
  return result.text;
}

describe('the line that /proc/cmdline shows', () => {
  test('is the arguments joined by single spaces, with the default root and console', () => {
    expect(boot().commandLine).toBe('root=98:0 console=tty0');
    expect(boot('ubd0=root_fs', 'rw').commandLine).toBe('ubd0=root_fs rw root=98:0 console=tty0');
    expect(boot('root=/dev/ubda', 'console=ttyS0').commandLine).toBe('root=/dev/ubda console=ttyS0');
  });

  test('names no root when the machine boots from the host', () => {
    const result = parse(['quiet'], 'host');
    expect(result).toMatchObject({ kind: 'boot', params: { commandLine: 'quiet console=tty0' } });
  });

  test('has no umid=, but keeps mem=', () => {
    const params = boot('umid=debian', 'mem=256M');
    expect(params.commandLine).toBe('mem=256M root=98:0 console=tty0');
    expect(params.umid).toBe('debian');
    expect(params.memoryBytes).toBe(256 * 2 ** 20);
  });

  test('has hostfs= up to its first comma', () => {
    const params = boot('hostfs=/srv/machine,append,foo');
    expect(params.commandLine).toBe('hostfs=/srv/machine root=98:0 console=tty0');
    expect(params).toMatchObject({ hostfsRoot: '/srv/machine', hostfsAppend: true });
    expect(params.complaints).toEqual(['hostfs_args - unsupported option - foo']);
    expect(boot('hostfs=,append')).toMatchObject({ hostfsRoot: '', hostfsAppend: true });
  });

  test('has at most 4096 bytes', () => {
    expect(boot('a=' + 'x'.repeat(4000)).commandLine).toHaveLength(4002 + ' root=98:0 console=tty0'.length);
    expect(error('a=' + 'x'.repeat(4090))).toBe('add_arg: Too many command line arguments!');
    expect(error('a=' + 'x'.repeat(2100), 'b=' + 'x'.repeat(2100))).toBe(
      'add_arg: Too many command line arguments!',
    );
  });

  test('leaves out a first argument that begins with a space', () => {
    expect(boot(' a title for ps', 'rw').commandLine).toBe('rw root=98:0 console=tty0');
  });
});

describe('switches that print and end', () => {
  test('--version prints the release, also with something behind it', () => {
    expect(printed('--version')).toBe(`${UTS_RELEASE}\n`);
    expect(printed('--versionfoo')).toBe(`${UTS_RELEASE}\n`);
    expect(UTS_RELEASE).toMatch(/^6\.[1-9]\d*\.\d/);
  });

  test('--showconfig prints the configuration', () => {
    expect(printed('--showconfig')).toBe('CONFIG_X=y\n');
  });

  test('--help names every switch at the beginning of a line, and indents what it means', () => {
    const help = printed('--help');
    const lines = help.split('\n');
    expect(lines[0]).toBe(`User Mode Linux v${UTS_RELEASE}`);
    for (const name of [
      '--help',
      '--version',
      '--showconfig',
      'mem=',
      'umid=',
      'hostfs=',
      'root=',
      'ubd<n>=',
    ])
      expect(
        lines.some((line) => line.startsWith(name)),
        name,
      ).toBe(true);
    for (const line of lines.slice(3))
      expect(line === '' || /^(\S| {4}\S| {8}\S)/.test(line), line).toBe(true);
  });

  test('the first of them is executed; errors before it come first', () => {
    expect(printed('rw', '--version', '--help')).toBe(`${UTS_RELEASE}\n`);
    expect(error('mem=0', '--version')).toMatch(/^Too few/);
    expect(printed('--version', 'mem=0')).toBe(`${UTS_RELEASE}\n`);
  });

  test('behind -- they are arguments of init', () => {
    const params = boot('rw', '--', '--version', 'umid=x', 'root=y');
    expect(params.initArguments).toEqual(['--version', 'umid=x', 'root=y']);
    expect(params.commandLine).toBe('rw root=98:0 console=tty0 -- --version umid=x root=y');
  });
});

describe('mem=', () => {
  test('takes suffixes and plain bytes, and rounds up to a page', () => {
    expect(boot('mem=64m').memoryBytes).toBe(64 * 2 ** 20);
    expect(boot('mem=1G').memoryBytes).toBe(2 ** 30);
    expect(boot('mem=16777217').memoryBytes).toBe(16777216 + 4096);
    expect(boot('mem=0x4000000').memoryBytes).toBe(2 ** 26);
    expect(boot().memoryBytes).toBeUndefined();
  });

  test('too little, nothing or garbage is one line', () => {
    expect(error('mem=0')).toBe(`Too few physical memory! Needed=${MIN_MEMORY}, given=0`);
    expect(error('mem=16k')).toBe(`Too few physical memory! Needed=${MIN_MEMORY}, given=16384`);
    for (const garbage of ['lots', '', '12Q', '-5', '1.5G', '64M64M'])
      expect(error(`mem=${garbage}`)).toBe(
        `Too few physical memory! Needed=${MIN_MEMORY}, given=0 (mem=${garbage} is not a size such as 512M or 2G)`,
      );
  });

  test('too much is one line', () => {
    expect(error('mem=8P')).toBe(`Too much physical memory! Limit=${MAX_MEMORY}, given=${2 ** 53}`);
  });
});

describe('other switches', () => {
  test('ncpus= is a number of CPUs', () => {
    expect(boot('ncpus=4').cpuCount).toBe(4);
    expect(boot().cpus).toBeUndefined();
    for (const garbage of ['0', '', 'two', '-1', '1000'])
      expect(error(`ncpus=${garbage}`)).toBe(`ncpus=${garbage} is not a number of CPUs from 1 to 256`);
  });

  test('umid= that is empty, too long or a path leaves the name to chance', () => {
    expect(boot('umid=').umid).toBeUndefined();
    expect(boot('umid=' + 'x'.repeat(64)).umid).toBeUndefined();
    expect(boot('umid=' + 'x'.repeat(63)).umid).toHaveLength(63);
    expect(boot('umid=a/b').umid).toBeUndefined();
  });

  test('a second umid= is refused', () => {
    const params = boot('umid=one', 'umid=two');
    expect(params.umid).toBe('one');
    expect(params.complaints).toEqual(['umid already set']);
    expect(params.commandLine).toContain('umid=two');
  });

  test('uml_dir= gets its final slash', () => {
    expect(boot('uml_dir=/run/uml').umlDirectory).toBe('/run/uml/');
    expect(boot('uml_dir=/run/uml/').umlDirectory).toBe('/run/uml/');
    expect(boot('uml_dir=').complaints).toEqual(["uml_dir can't be an empty string"]);
  });

  test('devices are asked of their drivers', () => {
    const params = boot('ubd0r=a,b', 'ubdb=c');
    expect(params.devices).toEqual([
      { driver: 'ubd', argument: '0r=a,b' },
      { driver: 'ubd', argument: 'b=c' },
    ]);
    expect(params.initEnvironment).toEqual([]);
  });

  test('noreboot is noted', () => {
    expect(boot('noreboot').noReboot).toBe(true);
  });
});

describe('parameters of the kernel', () => {
  test('root, its type and its flags', () => {
    expect(boot('rootfstype=hostfs', 'rootflags=/host/dir', 'rw')).toMatchObject({
      rootDevice: '98:0',
      rootType: 'hostfs',
      rootFlags: '/host/dir',
      rootReadOnly: false,
    });
    expect(boot('root=/dev/ubda', 'ro')).toMatchObject({ rootDevice: '/dev/ubda', rootReadOnly: true });
    expect(boot().rootReadOnly).toBeUndefined();
  });

  test('log levels: quiet, debug, loglevel=, ignore_loglevel', () => {
    expect(boot().consoleLogLevel).toBe(7);
    expect(boot('quiet').consoleLogLevel).toBe(4);
    expect(boot('debug').consoleLogLevel).toBe(10);
    expect(boot('loglevel=3').consoleLogLevel).toBe(3);
    expect(boot('loglevel=0').consoleLogLevel).toBe(1);
    expect(boot('loglevel=x').consoleLogLevel).toBe(7);
    expect(boot('ignore_loglevel').consoleLogLevel).toBe(Infinity);
    expect(boot('quiet').initArguments).toEqual([]);
  });

  test('consoles are collected in order', () => {
    expect(boot('console=ttyS0', 'console=tty0').consoles).toEqual(['ttyS0', 'tty0']);
    expect(boot().consoles).toEqual(['tty0']);
  });

  test('dashes and underscores are the same', () => {
    expect(boot('ignore-loglevel').consoleLogLevel).toBe(Infinity);
  });

  test('printk.time, earlyprintk, stderr, oops', () => {
    expect(boot('printk.time=1').printkTime).toBe(true);
    expect(boot('printk.time=0').printkTime).toBe(false);
    expect(boot('earlyprintk')).toMatchObject({ earlyPrintk: true, initArguments: [] });
    expect(boot('stderr=1').stderrConsole).toBe(true);
    expect(boot('oops=panic').panicOnOops).toBe(true);
    expect(boot('panic=5').initEnvironment).toEqual([]);
  });

  test('typos and removed options are logged', () => {
    expect(boot('udb0=cA').earlyLog).toEqual([
      [3, 'udb0=cA specified on command line is almost certainly a ubd -> udb TYPO'],
    ]);
    expect(boot('fake_ide').earlyLog).toEqual([[3, 'The fake_ide option has been removed']]);
  });
});

describe('what nobody knows is for init', () => {
  test('name=value is environment, a bare word an argument, and the log says so', () => {
    const params = boot('mem=256M', 'single', 'FOO=bar', 'noreboot');
    expect(params.initArguments).toEqual(['single', 'noreboot']);
    expect(params.initEnvironment).toEqual(['mem=256M', 'FOO=bar']);
    expect(params.earlyLog).toEqual([
      [
        5,
        'Unknown kernel command line parameters "single noreboot mem=256M FOO=bar", will be passed to user space.',
      ],
    ]);
  });

  test('nothing unknown: nothing logged', () => {
    expect(boot('rw', 'quiet').earlyLog).toEqual([]);
  });

  test('the last value of a variable wins, at its first place', () => {
    expect(boot('A=1', 'B=2', 'A=3', 'AB=4').initEnvironment).toEqual(['A=3', 'B=2', 'AB=4']);
  });

  test('a parameter of a module that is not there is dropped', () => {
    const params = boot('loop.max_loop=8', 'a.b', 'C=d.e');
    expect(params.initEnvironment).toEqual(['C=d.e']);
    expect(params.initArguments).toEqual([]);
  });

  test('words behind -- are arguments as they are, and are not logged', () => {
    const params = boot('x', '--', 'y', 'A=b', 'rw');
    expect(params.initArguments).toEqual(['x', 'y', 'A=b', 'rw']);
    expect(params.earlyLog[0][1]).toBe(
      'Unknown kernel command line parameters "x", will be passed to user space.',
    );
    expect(params.rootReadOnly).toBeUndefined();
  });

  test('init= forgets the arguments before it', () => {
    const params = boot('auto', 'init=/bin/sh', 'single');
    expect(params.init).toBe('/bin/sh');
    expect(params.initArguments).toEqual(['single']);
  });

  test('words between double quotes are one', () => {
    expect(boot('TITLE="two words"').initEnvironment).toEqual(['TITLE=two words']);
  });

  test('too many variables or arguments: a panic that names the first', () => {
    const variables = (count: number): string[] => Array.from({ length: count }, (_, index) => `V${index}=x`);
    expect(parse(variables(127))).toMatchObject({ kind: 'boot', panic: undefined });
    expect(parse(variables(128))).toMatchObject({
      kind: 'boot',
      panic: "Too many boot env vars at `V127=x'",
    });
    const args = Array.from({ length: 130 }, (_, index) => `w${index}`);
    expect(parse(args.slice(0, 128))).toMatchObject({ kind: 'boot', panic: undefined });
    expect(parse(args)).toMatchObject({ kind: 'boot', panic: "Too many boot init vars at `w128'" });
  });
});
