/** The same shell script about mounts must print the same on the host, in a mount namespace of its own, and in the guest. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository, run, umlRun } from '../support/machine.js';

const script = join(repository, 'test', 'guest', 'scripts', 'mounts.sh');
const unshare = ['unshare', '-m', '--propagation', 'private'];
const mayUnshare =
  spawnSync(unshare[0], [...unshare.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
if (!mayUnshare) console.log('skipped: mounts: the host lets us make no mounts (needs root)');

test.skipIf(!mayUnshare)(
  'mounts spread, move and go as on the host',
  async () => {
    const host = await run(unshare[0], [...unshare.slice(1), 'sh', script], { timeoutMs: 30_000 });
    const guest = await umlRun(['/bin/sh', script], [], { timeoutMs: 60_000 });
    expect(guest.stdout).toBe(host.stdout);
  },
  100_000,
);
