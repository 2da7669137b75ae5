// Compares native, ours and (where /usr/bin/linux.uml is installed) UML, side by side, in one run.
// Usage: npm run bench [-- ROW...]. Machines are noisy: look at ratios, and compare only within one run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, '..', '..');
const rows = process.argv.slice(2);

/** Calls per measured step in bench.c. */
const batch = { getppid: 100, clock_gettime: 1000, 'open+close': 20, stat: 20, signal: 20 };
/** The last column: the first target of the design, for ours. */
const targets = {
  getppid: '2 µs',
  clock_gettime: '0.05 µs',
  'open+close': '8 µs',
  stat: '5 µs',
  pingpong: '20 µs',
  signal: '8 µs',
  'fresh-page': '2 µs',
  'cow-page': '5 µs',
  'fork+exit+wait': '600 µs',
  'vfork+exec': '2000 µs',
  'sh-c-true': '4000 µs',
  thread: '150 µs',
  'file-read': '6 GB/s',
  'pipe-throughput': '2 GB/s',
  'create-file': '40 µs',
  'cpu-loop': '1.0',
  'two-loops': '1.0',
};

const directory = mkdtempSync(join(tmpdir(), 'uml-bench-'));
const program = join(directory, 'bench');
const compiled = spawnSync('gcc', ['-O1', '-pthread', '-static', '-o', program, join(here, 'bench.c')], {
  encoding: 'utf8',
});
if (compiled.status !== 0) {
  console.error(`npm run bench needs gcc: ${compiled.stderr ?? compiled.error?.message}`);
  process.exit(1);
}

function parse(output) {
  const found = new Map();
  for (const [, name, value, unit] of output.matchAll(/^(\S+) ([\d.]+) (ns|GB\/s)\r?$/gm))
    found.set(name, { value: Number(value) / (batch[name] ?? 1), unit });
  return found;
}

function native() {
  // In memory, as in the guests.
  const work = mkdtempSync('/dev/shm/uml-bench-');
  try {
    return parse(spawnSync(program, [work, ...rows], { encoding: 'utf8' }).stdout);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function ours() {
  const command = `mkdir -p /run/bench && exec ${program} /run/bench ${rows.join(' ')}`;
  const result = spawnSync(
    process.execPath,
    [join(repository, 'bin', 'uml.js'), 'run', '--', '/bin/sh', '-c', command],
    {
      encoding: 'utf8',
      timeout: 300_000,
    },
  );
  if (result.status !== 0) console.error(result.stderr);
  return parse(result.stdout);
}

function uml() {
  if (!existsSync('/usr/bin/linux.uml')) return undefined;
  const init = join(directory, 'init');
  const script = `#!/bin/sh\nmount -t proc proc /proc\nmount -t tmpfs tmpfs /tmp/.uml-bench 2>/dev/null\n${program} /mnt ${rows.join(' ')}\n`;
  writeFileSync(
    init,
    script.replace('mount -t tmpfs tmpfs /tmp/.uml-bench 2>/dev/null', 'mount -t tmpfs tmpfs /mnt') +
      'echo o > /proc/sysrq-trigger\nsleep 5\n',
    { mode: 0o755 },
  );
  const result = spawnSync(
    '/usr/bin/linux.uml',
    [
      'rootfstype=hostfs',
      'rootflags=/',
      'ro',
      'mem=1G',
      'quiet',
      `init=${init}`,
      'con=null',
      'con0=null,fd:1',
      'con1=null',
    ],
    {
      encoding: 'utf8',
      timeout: 300_000,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: directory },
    },
  );
  return parse(result.stdout);
}

function show(entry) {
  if (entry === undefined) return '-';
  const { value, unit } = entry;
  if (unit !== 'ns') return `${value.toFixed(1)} ${unit}`;
  if (value >= 1e8) return `${(value / 1e9).toFixed(2)} s`;
  return value >= 1e6 ? `${(value / 1e6).toPrecision(3)} ms` : `${(value / 1000).toPrecision(3)} µs`;
}

/** How many times slower than the other: above 1 is slower. */
function ratio(a, b) {
  if (a === undefined || b === undefined) return '-';
  const times = a.unit === 'ns' ? a.value / b.value : b.value / a.value;
  return times >= 100 ? `${Math.round(times)}x` : `${times.toPrecision(2)}x`;
}

try {
  if (!existsSync(join(repository, 'dist')) || !statSync(program).isFile())
    throw new Error('npm run build first');
  const results = { native: native(), ours: ours(), uml: uml() };
  const header = ['', 'native', 'ours', 'UML', 'ours/native', 'UML/ours', 'first target'];
  const lines = [header];
  for (const name of results.native.keys()) {
    const [a, b, c] = [results.native, results.ours, results.uml].map((found) => found?.get(name));
    lines.push([name, show(a), show(b), show(c), ratio(b, a), ratio(c, b), targets[name] ?? '']);
  }
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  for (const line of lines)
    console.log(
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
        .join('  '),
    );
  if (results.uml === undefined)
    console.log('\nUML is not installed (Debian: user-mode-linux): its column is empty.');
} finally {
  rmSync(directory, { recursive: true, force: true });
}
