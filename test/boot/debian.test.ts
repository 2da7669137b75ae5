/** A Debian bookworm directory with sysvinit: its own init scripts, login, work, halt. And programs on it, as on the host. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { debianRoot, missing } from '../support/debian-root.js';
import { linux, umlRun } from '../support/machine.js';
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

  /** Runs a script in a fresh machine on this root; its /tmp is the guest's own. */
  const script = async (text: string): Promise<string> => {
    const { status, stdout, stderr } = await umlRun(
      ['/bin/bash', '-ec', `mount -t tmpfs none /tmp; cd /tmp\n${text}`],
      ['--root', root, '--cwd', '/'],
      { timeoutMs: 120_000 },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  };

  test('gcc compiles and runs a program, make builds it', async () => {
    const output = await script(`
      printf '#include <stdio.h>\\nint main(void) { puts("made here"); }\\n' > hello.c
      printf 'hello: hello.c\\n\\tgcc -O2 -o hello hello.c\\n' > Makefile
      make -s && ./hello`);
    expect(output).toBe('made here\n');
  }, 120_000);

  test('git makes, commits to and clones a repository', async () => {
    const output = await script(`
      git init -q a && cd a && git config user.email a@example.org && git config user.name A
      for i in $(seq 100); do echo $i > $i; done
      git add . && git commit -qm first && git status --short && cd .. && git clone -q a b && ls b | wc -l`);
    expect(output).toBe('100\n');
  }, 120_000);

  test('perl, python with threads and subprocesses, sqlite3, awk, sed and tar work', async () => {
    const output = await script(`
      perl -e 'print join(",", map { $_ * 2 } 1..5), "\\n"'
      python3 -c 'import subprocess, threading
      r = []
      t = [threading.Thread(target=r.append, args=(i,)) for i in range(8)]
      [x.start() for x in t]; [x.join() for x in t]
      print(sorted(r), subprocess.check_output(["echo", "sub"], text=True).strip())' 2>/dev/null ||
      python3 - <<'P'
import subprocess, threading
r = []
t = [threading.Thread(target=r.append, args=(i,)) for i in range(8)]
[x.start() for x in t]; [x.join() for x in t]
print(sorted(r), subprocess.check_output(["echo", "sub"], text=True).strip())
P
      sqlite3 t.db 'create table t(a); insert into t values(42); select a from t'
      seq 10 | awk '{ s += $1 } END { print s }'
      echo abc | sed s/b/x/
      mkdir d && echo x > d/f && tar cf d.tar d && rm -r d && tar xf d.tar && cat d/f`);
    expect(output).toBe('2,4,6,8,10\n[0, 1, 2, 3, 4, 5, 6, 7] sub\n42\n55\naxc\nx\n');
  }, 120_000);

  test('dpkg installs, lists and removes a package', async () => {
    const output = await script(`
      mkdir -p p/DEBIAN p/usr/share/trial && echo trial > p/usr/share/trial/file
      printf 'Package: trial\\nVersion: 1\\nArchitecture: all\\nMaintainer: A <a@example.org>\\nDescription: trial\\n' > p/DEBIAN/control
      dpkg-deb --root-owner-group -b p trial.deb > /dev/null
      dpkg -i trial.deb > /dev/null 2>&1 && cat /usr/share/trial/file && dpkg -s trial | grep Status
      dpkg -P trial > /dev/null 2>&1 && ls /usr/share/trial 2>/dev/null || echo gone`);
    expect(output).toBe('trial\nStatus: install ok installed\ngone\n');
  }, 120_000);

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
