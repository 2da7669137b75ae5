/**
 * A Debian bookworm directory with sysvinit, for whole boots: made by mmdebstrap from the machine's own package sources, once,
 * and kept in .cache. root's password is `root`; a getty waits on the console.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './machine.js';

const directory = join(repository, '.cache', 'debian-sysvinit');
const packages = [
  'sysvinit-core',
  'sysv-rc',
  'initscripts',
  'login',
  'passwd',
  'mount',
  'procps',
  'vim-tiny',
  'less',
  'perl',
  'python3-minimal',
  'git',
  'make',
  'gcc',
  'libc6-dev',
  'tmux',
  'sqlite3',
  'gawk',
  'dpkg-dev',
];

/** Package sources: those files of the machine that have Debian's own suite. */
function sources(): string[] {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ];
  return files.filter(
    (file) =>
      existsSync(file) &&
      spawnSync('grep', ['-qE', '^(Suites:.* bookworm( |$)|deb .* bookworm( |$))', file]).status === 0,
  );
}

/** Why there can be none here, or undefined. */
export function missing(): string | undefined {
  if (existsSync(join(directory, 'sbin', 'init'))) return undefined;
  if (process.getuid?.() !== 0) return 'making a Debian root takes root (mmdebstrap)';
  if (spawnSync('mmdebstrap', ['--version']).status !== 0) return 'mmdebstrap is not installed';
  if (spawnSync('gpgv', ['--version']).status !== 0) return 'gpgv, which mmdebstrap needs, is not installed';
  if (sources().length === 0) return 'no Debian bookworm package sources in /etc/apt';
  return undefined;
}

/** The directory, made if need be. Throws with mmdebstrap's words when that fails. */
export function debianRoot(): string {
  if (existsSync(join(directory, 'sbin', 'init'))) return directory;
  const making = `${directory}.${process.pid}`;
  mkdirSync(join(repository, '.cache'), { recursive: true });
  const inittab = `${making}.inittab`;
  writeFileSync(
    inittab,
    `id:2:initdefault:
si::sysinit:/etc/init.d/rcS
~~:S:wait:/sbin/sulogin --force
l0:0:wait:/etc/init.d/rc 0
l1:1:wait:/etc/init.d/rc 1
l2:2:wait:/etc/init.d/rc 2
l3:3:wait:/etc/init.d/rc 3
l6:6:wait:/etc/init.d/rc 6
ca:12345:ctrlaltdel:/sbin/shutdown -t1 -a -r now
0:2345:respawn:/sbin/getty --noclear 38400 tty0 linux
`,
  );
  try {
    const result = spawnSync(
      'mmdebstrap',
      [
        '--variant=minbase',
        `--include=${packages.join(',')}`,
        '--customize-hook=chroot "$1" sh -c "echo root:root | chpasswd"',
        `--customize-hook=cp ${inittab} "$1/etc/inittab"`,
        '--customize-hook=echo vm > "$1/etc/hostname"',
        'bookworm',
        making,
        ...sources(),
      ],
      { encoding: 'utf8', timeout: 600_000 },
    );
    if (result.status !== 0) throw new Error(`mmdebstrap: ${result.stderr.split('\n').slice(-8).join('\n')}`);
    renameSync(making, directory);
    return directory;
  } finally {
    rmSync(inittab, { force: true });
    rmSync(making, { recursive: true, force: true });
  }
}
