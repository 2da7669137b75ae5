/** A Debian bookworm directory with sysvinit: its own init scripts, login, work, halt. And programs on it, as on the host. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { debianRoot, missing } from '../support/debian-root.js';
import { linux, umlRun } from '../support/machine.js';
import { hasProgram, jobs } from '../support/programs.js';
import { Terminal } from '../support/terminal.js';

const reason = missing();
if (reason !== undefined) console.log(`skipped: whole boots of Debian: ${reason}`);

describe.skipIf(reason !== undefined)('Debian bookworm with sysvinit', () => {
  let root = '';
  let terminal: Terminal;
  beforeAll(() => {
    root = debianRoot();
  }, 600_000);
  beforeEach(() => {
    terminal = new Terminal();
  });
  afterEach(() => terminal.close());

  test('boots to login; root logs in, works with job control, and halts with status 0', async () => {
    const status = terminal.run(process.execPath, [
      linux,
      'rootfstype=hostfs',
      `rootflags=${root}`,
      'rw',
      'mem=1G',
    ]);
    await terminal.expect('login: ', 60_000);
    terminal.type('root\r');
    await terminal.expect('Password: ');
    terminal.type('root\r');
    await terminal.expect('# ');
    terminal.type('tty; id -u; runlevel; hostname\r');
    await terminal.expect('/dev/tty0');
    await terminal.expect('N 2');
    terminal.type('sleep 100\r');
    await terminal.expect('sleep 100');
    await new Promise((resolve) => setTimeout(resolve, 500));
    terminal.type('\x1a');
    await terminal.expect('Stopped');
    terminal.type('bg; kill %1; wait; echo job is gone\r');
    await terminal.expect('\njob is gone');
    terminal.type('halt\r');
    await terminal.expect('INIT: Switching to runlevel: 0');
    expect(await status).toBe(0);
    expect(terminal.output).toMatch(/reboot: (System halted|Power down)/);
  }, 120_000);

  // The root's /tmp is on the host's disk; the guest works in one of its own.
  for (const { name, needs, script, output } of jobs) {
    test(
      name,
      async ({ skip }) => {
        const missing = needs.filter((need) => !hasProgram(root, need));
        skip(missing.length > 0, `the root has no ${missing.join(', ')}`);
        const result = await umlRun(
          ['/bin/bash', '-ec', `mount -t tmpfs none /tmp; cd /tmp\n${script}`],
          ['--root', root, '--cwd', '/', '--env', 'LC_ALL=C'],
          { timeoutMs: 100_000 },
        );
        expect(result).toEqual({ status: 0, signal: null, stdout: output, stderr: '' });
      },
      120_000,
    );
  }

  test('tmux and vi work on the console', async () => {
    const status = terminal.run(process.execPath, [
      linux,
      'rootfstype=hostfs',
      `rootflags=${root}`,
      'rw',
      'init=/bin/bash',
      'quiet',
    ]);
    await terminal.expect('# ', 30_000);
    terminal.type('mount -t tmpfs none /tmp; cd /tmp; export TERM=linux; vi note\r');
    await terminal.expect('note');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    terminal.type('iwritten by vi\x1b:wq\r');
    await terminal.expect('# ');
    terminal.type('cat note\r');
    await terminal.expect('written by vi\r\n');
    terminal.type(
      'mount -t proc none /proc; mkdir -p /dev/pts; mount -t devpts none /dev/pts; tmux new-session -d "sleep 50"; tmux ls; tmux kill-server\r',
    );
    await terminal.expect('1 windows');
    terminal.type('exec /bin/true\r');
    await terminal.expect('Attempted to kill init!');
    expect(await status).not.toBe(0);
  }, 120_000);
});
