/**
 * Guests that mean harm, or do it by mistake: the machine goes on, others in it notice nothing, and the host least of all.
 * (What hostile code can do to its own stub is in src/host/linux/seccomp/attacks.test.ts.)
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile, hasCompiler, sources } from '../support/compiler.js';
import { type Outcome, uml, umlRun } from '../support/machine.js';

if (!hasCompiler) console.log('skipped: hostile programs: no C compiler (gcc)');
const isRoot = process.getuid?.() === 0;

const RANDOM_SECONDS = process.env.UML_LONG_TESTS === '1' ? 60 : 20;
const SEED = 42;

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'uml-hostile-'));
  chmodSync(directory, 0o755);
  if (!hasCompiler) return;
  for (const { name, source } of sources('hostile/programs'))
    compile(source, name, name === 'tiny' ? ['-static', '-nostdlib'] : []);
}, 120_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const programs = join(import.meta.dirname, '..', '..', '.cache', 'programs');

/** Runs a script in a machine; `P` is where the programs are. Afterwards the log must not tell of a bug of ours. */
async function attack(script: string, args: readonly string[] = [], timeoutMs = 100_000): Promise<Outcome> {
  const whole = `${script}\ndmesg | grep -A 8 'BUG:'\necho the machine works`;
  const outcome = await umlRun(['/bin/bash', '-c', whole], ['--env', `P=${programs}`, ...args], {
    timeoutMs,
  });
  expect(outcome).toMatchObject({ signal: null, status: 0 });
  expect(outcome.stdout).not.toContain('BUG:');
  expect(outcome.stdout).toMatch(/the machine works\n$/);
  return outcome;
}

describe.skipIf(!hasCompiler)('hostile programs', () => {
  test('random system calls hurt nobody else', async () => {
    const { stdout } = await attack(
      `$P/bystander ${RANDOM_SECONDS} &
      $P/random-calls ${RANDOM_SECONDS} ${SEED}
      wait $!`,
    );
    expect(stdout).toContain('random calls: done\n');
    expect(stdout).toContain('bystander: undisturbed\n');
  }, 150_000);

  test('damaged programs are refused or die', async () => {
    const { stdout } = await attack(`$P/corrupt-elf $P/tiny 200 ${SEED}`);
    expect(stdout).toContain('refused 1, ended 1, killed 1\n');
  }, 120_000);

  test('a fork bomb of a user ends at its limit, and can be killed', async () => {
    const { stdout } = await attack(
      `$P/bystander 3 & bystander=$!
      $P/fork-bomb 100 & bomb=$!
      sleep 1; /bin/echo others work
      kill -KILL -- -$bomb; wait $bomb; wait $bystander`,
    );
    expect(stdout).toContain('refused: EAGAIN\n');
    expect(stdout).toContain('others work\n');
    expect(stdout).toContain('bystander: undisturbed\n');
  }, 120_000);

  test("root's fork bomb ends at the machine's limit, and can be killed", async () => {
    // bash tries again by itself when a fork is refused, while the bomb's processes go.
    const { stdout } = await attack(
      `$P/bystander 8 & bystander=$!
      mkfifo /tmp/said; $P/fork-bomb > /tmp/said & bomb=$!
      read line < /tmp/said; echo "$line"
      kill -KILL -- -$bomb; wait $bomb; wait $bystander`,
      ['--mem', '256M'],
    );
    expect(stdout).toContain('refused: EAGAIN\n');
    expect(stdout).toContain('bystander: undisturbed\n');
  }, 120_000);

  test('who takes all memory is killed; others are not', async () => {
    const { stdout } = await attack(
      `$P/bystander 3 &
      $P/memory-hog; echo hog $?
      wait $!; dmesg | grep -c 'Out of memory: Killed process .*memory-hog'`,
      ['--mem', '256M'],
    );
    // Either may be through first.
    for (const line of [/^hog 137$/m, /^bystander: undisturbed$/m, /^[1-9]\d*$/m])
      expect(stdout).toMatch(line);
  }, 120_000);

  test('who fills a tmpfs gets ENOSPC', async () => {
    const { stdout, stderr } = await attack(
      `mkdir /tmp/t; mount -t tmpfs -o size=8m none /tmp/t
      dd if=/dev/zero of=/tmp/t/file bs=64k 2>&1 | head -n 1
      stat -c %s /tmp/t/file; rm /tmp/t/file; echo again > /tmp/t/file && cat /tmp/t/file`,
      ['--mem', '256M'],
    );
    expect(stderr).toBe('');
    expect(stdout).toMatch(/No space left on device\n8388608\nagain\n/);
  }, 60_000);
});

/** The children of a process's threads: proc(5). */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((tid) =>
    readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  );
}

/** CPU time that a process has used, in ticks. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Starts a machine, and resolves when its program has said `ready`. */
async function startMachine(
  script: string,
  { mounts = [], env }: { mounts?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<{ child: ChildProcess; ended: Promise<{ status: number | null; output: string }> }> {
  const child = spawn(process.execPath, [uml, 'run', ...mounts, '--', '/bin/sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
  });
  let output = '';
  const ended = new Promise<{ status: number | null; output: string }>((resolve) => {
    child.on('close', (status) => resolve({ status, output }));
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString('latin1');
      if (output.includes('ready\n')) resolve();
    });
    child.on('close', () => reject(new Error(`the machine has ended: ${output}`)));
  });
  return { child, ended };
}

/** Waits for something that happens soon. */
async function eventually(condition: () => boolean, withinMs = 10_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error('it does not happen');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const exists = (pid: number): boolean => {
  try {
    // A zombie is gone: whoever adopted it reaps it when it likes.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
};

describe('killed from outside', () => {
  test('a stub takes only its own guest process along', async () => {
    // Of the machine's processes, the one that loops uses the processor.
    const { child, ended } = await startMachine(
      'sleep 1000 & (while :; do :; done) & echo ready; wait $!; echo status $?; kill %1 $! 2>/dev/null; echo alive; kill $(jobs -p) 2>/dev/null; exit 5',
    );
    const machine = child.pid ?? 0;
    let busy = 0;
    await eventually(() => {
      const stubs = childrenOf(machine).filter(exists);
      busy = stubs.find((pid) => ticksOf(pid) >= 30) ?? 0;
      return busy !== 0;
    });
    process.kill(busy, 'SIGKILL');
    expect(await ended).toEqual({ status: 5, output: 'ready\nstatus 137\nalive\n' });
  }, 60_000);

  test('the whole machine leaves nothing behind', async () => {
    const home = mkdtempSync(join(directory, 'home-'));
    const temporary = mkdtempSync(join(directory, 'tmp-'));
    const shared = readdirSync('/dev/shm');
    const env = { ...process.env, HOME: home, TMPDIR: temporary, XDG_RUNTIME_DIR: temporary };
    const { child, ended } = await startMachine(
      'for i in 1 2 3 4 5; do sleep 1000 & done; (while :; do :; done) & echo data > /tmp/file; sync; echo ready; wait',
      { env },
    );
    const processes = childrenOf(child.pid ?? 0);
    expect(processes.length).toBeGreaterThanOrEqual(7);
    child.kill('SIGKILL');
    await ended;
    await eventually(() => !processes.some(exists));
    expect(readdirSync(temporary)).toEqual([]);
    expect(readdirSync(home)).toEqual([]);
    expect(
      readdirSync('/dev/shm').filter((name) => !shared.includes(name) && /uml|linux/.test(name)),
    ).toEqual([]);
  }, 60_000);
});

/** Everything that a change would show in: names, types, modes, owners, sizes, times, contents. */
function snapshot(path: string): unknown {
  const { mode, uid, gid, size, mtimeMs, ctimeMs, nlink, ino } = lstatSync(path);
  const facts = { mode, uid, gid, mtimeMs, ctimeMs, nlink, ino };
  if ((mode & 0o170000) === 0o040000)
    return { ...facts, entries: readdirSync(path).map((name) => [name, snapshot(join(path, name))]) };
  return { ...facts, size, contents: (mode & 0o170000) === 0o100000 ? readFileSync(path, 'latin1') : '' };
}

describe('the host', () => {
  test('cannot be written to through the copy-on-write root', async () => {
    const victim = mkdtempSync(join(directory, 'victim-'));
    mkdirSync(join(victim, 'd', 'e'), { recursive: true });
    for (const name of ['a', 'b', 'c', 'd/f', 'd/e/g'])
      writeFileSync(join(victim, name), `contents of ${name}\n`);
    symlinkSync('a', join(victim, 'link'));
    const before = snapshot(victim);
    const { stdout } = await attack(
      `cd ${victim}; exec 2>/dev/null
      echo x > a; echo x >> b; truncate -s 0 c; chmod 777 a d; chown 1:1 b d; touch -d 2001-01-01 c d link
      mv d/f d/moved; ln a hard; ln -s b soft; rm -r d/e; mkdir new; mknod node c 1 3; rm link
      setfattr -n user.x -v y a; setfacl -m u:1:rwx b; dd if=/dev/zero of=a bs=4096 count=4 conv=notrunc
      python3 -c 'import mmap, os
f = open("b", "r+b"); m = mmap.mmap(f.fileno(), 0); m[0:1] = b"X"; m.flush()'
      mkdir /tmp/m; mount -t hostfs none /tmp/m -o ${victim} && echo hostfs was mounted && echo x > /tmp/m/a
      for i in /proc/1/root /proc/self/root /proc/1/cwd /proc/self/fd/../root; do echo x > $i${victim}/a; done
      mount -o remount,rw /; umount -l /; sync
      rm -rf ${victim}; ls ${victim}`,
    );
    expect(stdout).toBe('the machine works\n');
    expect(snapshot(victim)).toEqual(before);
  }, 60_000);

  test('cannot be left by a shared directory', async () => {
    const shared = mkdtempSync(join(directory, 'shared-'));
    const outside = mkdtempSync(join(directory, 'outside-'));
    writeFileSync(join(outside, 'secret'), 'secret\n');
    mkdirSync(join(shared, 'd'));
    writeFileSync(join(shared, 'd', 'secret'), 'harmless\n');
    // The guest has seen a directory, which becomes a link to elsewhere on the host behind its back.
    const { child, ended } = await startMachine(
      `cd /mnt/s; cat d/secret; echo ready; while [ ! -e go ]; do sleep 0.1; done
      cat d/secret; cat d/../../*/secret; echo x > d/secret; echo x > d/new; ls /mnt/s/../s/../../mnt
      ln -s ${outside} out; rm -rf ${outside}; cat out/secret; echo x > out/new; mkdir ${outside}; echo end`,
      { mounts: ['--mount', `${shared}:/mnt/s`] },
    );
    renameSync(join(shared, 'd'), join(shared, 'old'));
    symlinkSync(outside, join(shared, 'd'));
    writeFileSync(join(shared, 'go'), '');
    const { output } = await ended;
    child.kill();
    expect(output).toMatch(/^harmless\nready\n(harmless\n)*[^]*end\n$/);
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret\n');
  }, 60_000);

  test('stays as it is where a directory is shared read-only', async () => {
    const shared = mkdtempSync(join(directory, 'readonly-'));
    writeFileSync(join(shared, 'file'), 'contents\n');
    const before = snapshot(shared);
    await attack(
      `exec 2>/dev/null; cd /mnt/s; mkdir /tmp/b; mount --bind /mnt/s /tmp/b
      for m in /mnt/s /tmp/b; do mount -o remount,rw $m; mount -o remount,bind,rw $m; echo x > $m/file; rm $m/file
      chmod 777 $m/file; touch $m/new; done`,
      ['--mount', `${shared}:/mnt/s:ro`],
    );
    expect(snapshot(shared)).toEqual(before);
  }, 60_000);

  test.skipIf(!isRoot)(
    'has devices that special files in a shared directory do not lead to',
    async () => {
      const shared = mkdtempSync(join(directory, 'nodes-'));
      // sda, and FUSE's device, which many hosts have and no guest.
      const { stdout } = await attack(
        'cd /mnt/s; mknod disk b 8 0; mknod fuse c 10 229; for d in disk fuse; do head -c 1 $d 2>&1; done',
        ['--mount', `${shared}:/mnt/s`],
      );
      expect(stdout.match(/No such device or address/g)).toHaveLength(2);
    },
    60_000,
  );
});
