/** How many threads the host lets us have. */
import { readFileSync } from 'node:fs';

/** The share of the host's room that a machine may take: whatever its guests do, the host's own programs go on. */
const SHARE = 0.5;

/** The least of pid_max, threads-max, RLIMIT_NPROC and the cgroups' pids.max, of which a part is ours. */
export function hostTaskLimit(): number {
  const limits = [
    number('/proc/sys/kernel/pid_max'),
    number('/proc/sys/kernel/threads-max'),
    userLimit(),
    groupLimit(),
  ];
  return Math.min(...limits) * SHARE;
}

/** Root is exempt from RLIMIT_NPROC: getrlimit(2). */
function userLimit(): number {
  if (process.getuid?.() === 0) return Infinity;
  const line = /^Max processes\s+(\S+)/m.exec(contents('/proc/self/limits'));
  return toLimit(line?.[1]);
}

/** The pids controller of this process's cgroup and of those above it, in either version: cgroups(7). */
function groupLimit(): number {
  const groups = contents('/proc/self/cgroup')
    .split('\n')
    .map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line))
    .filter((match) => match !== null && (match[1] === '' || match[1].split(',').includes('pids')));
  let least = Infinity;
  for (const match of groups) {
    const root = match?.[1] === '' ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
    for (let path = match?.[2] ?? ''; path !== ''; path = path.replace(/\/[^/]*$/, ''))
      least = Math.min(least, number(`${root}${path}/pids.max`));
    least = Math.min(least, number(`${root}/pids.max`));
  }
  return least;
}

const number = (path: string): number => toLimit(contents(path).trim());

/** `max`, `unlimited`, or a file that is not there: no limit. */
const toLimit = (text = ''): number => (/^\d+$/.test(text) ? Number(text) : Infinity);

function contents(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // this host has no such limit
  }
}
