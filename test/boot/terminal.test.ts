/** The host's terminal: the machine has it while it runs, and gives it back in whatever way it ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linux, uml } from '../support/machine.js';
import { Terminal } from '../support/terminal.js';

let terminal: Terminal;
beforeEach(() => {
  terminal = new Terminal(30, 100);
});
afterEach(() => terminal.close());

const run = (...command: string[]): Promise<number | string> =>
  terminal.run(process.execPath, [uml, 'run', '--root', '/', '--', ...command]);
const boot = (...words: string[]): Promise<number | string> =>
  terminal.run(process.execPath, [linux, ...words]);

describe('a command of uml run', () => {
  test('has a terminal with its size, job control and signals from the keyboard', async () => {
    const status = run('bash', '--norc', '-i');
    await terminal.expect('# ');
    terminal.type('tty; stty size; [ -t 2 ] && echo is a tty\n');
    await terminal.expect('/dev/tty0');
    await terminal.expect('30 100');
    await terminal.expect('is a tty');
    terminal.type("sh -c 'echo asleep; exec sleep 100'\n");
    await terminal.expect('\nasleep');
    terminal.type('\x1a');
    await terminal.expect('Stopped');
    terminal.type('jobs; kill %1; echo back\n');
    await terminal.expect('back\r\n');
    terminal.type('exit 3\n');
    expect(await status).toBe(3);
  });

  test('is told when the window changes', async () => {
    const status = run(
      'bash',
      '--norc',
      '-c',
      'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.1; done',
    );
    await terminal.expect('ready');
    terminal.resize(50, 120);
    terminal.signal('SIGWINCH');
    await terminal.expect('50 120');
    expect(await status).toBe(0);
  });

  test('ends with its terminal', async () => {
    const status = run('cat');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    terminal.signal('SIGHUP');
    expect(await status).toBe(128 + 1);
  });
});

test("linux without a root is a shell on the host's own files; its end is that of the machine", async () => {
  const status = terminal.run(process.execPath, [linux, 'quiet', 'umid=mine']);
  await terminal.expect('# ');
  terminal.type('echo $(hostname) $(id -u) $(tty) $0; pwd\n');
  await terminal.expect('mine 0 /dev/tty0 -');
  await terminal.expect(process.cwd());
  terminal.type('echo 7 >/proc/exitcode; exit 5\n');
  expect(await status).toBe(7);
});

describe('the terminal is as before', () => {
  let before: Uint8Array;
  beforeEach(() => {
    before = terminal.settings();
  });
  afterEach(() => expect(terminal.settings()).toEqual(before));

  const cat = ['rootfstype=hostfs', 'rootflags=/', 'init=/bin/cat'];

  test.each([
    ['SIGTERM', 1],
    ['SIGINT', 1],
    ['SIGHUP', 129],
    ['SIGQUIT', 'SIGQUIT'],
  ] as const)('after %s', async (signal, expected) => {
    const status = boot(...cat);
    await terminal.expect('Run /bin/cat');
    expect(terminal.settings()).not.toEqual(before);
    terminal.signal(signal);
    expect(await status).toBe(expected);
  });

  test('after a second signal, whatever the machine is doing', async () => {
    const status = boot(...cat);
    await terminal.expect('Run /bin/cat');
    terminal.signal('SIGTERM');
    terminal.signal('SIGTERM');
    expect([1, 'SIGTERM']).toContain(await status);
  });

  test('after a panic', async () => {
    const status = boot(...cat);
    await terminal.expect('Run /bin/cat');
    terminal.type('\x04');
    await terminal.expect('Attempted to kill init!');
    expect(await status).toBe('SIGABRT');
  });

  test('after a halt', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'uml-terminal-'));
    const script = join(directory, 'halt');
    writeFileSync(script, 'import ctypes; ctypes.CDLL(None).reboot(ctypes.c_int(0xcdef0123))\n');
    const status = boot('rootfstype=hostfs', 'rootflags=/', 'init=/usr/bin/python3', script);
    await terminal.expect('reboot: System halted');
    expect(await status).toBe(0);
    rmSync(directory, { recursive: true });
  });

  test('after a command of uml run', async () => {
    const status = run('cat');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    terminal.type('\x03');
    expect(await status).toBe(128 + 2);
  });
});
