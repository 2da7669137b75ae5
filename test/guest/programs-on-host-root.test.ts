/** The host's own programs in a machine that boots from a copy-on-write view of the host's files: as `uml run` starts it. */
import { describe, expect, test } from 'vitest';
import { umlRun } from '../support/machine.js';
import { hasProgram, jobs } from '../support/programs.js';

describe('on the copy-on-write host root', () => {
  for (const { name, needs, privileged, script, output } of jobs) {
    const missing = needs.filter((need) => !hasProgram('/', need));
    if (privileged === true && process.getuid?.() !== 0)
      missing.push('files that we can read: we are not root');
    if (missing.length > 0) console.log(`skipped: ${name}: the host has no ${missing.join(', ')}`);
    test.skipIf(missing.length > 0)(
      name,
      async () => {
        const result = await umlRun(
          ['/bin/bash', '-ec', `mkdir /tmp/job; cd /tmp/job\n${script}`],
          ['--env', 'PATH', '--env', 'LC_ALL=C'],
          { timeoutMs: 100_000 },
        );
        expect(result).toEqual({ status: 0, signal: null, stdout: output, stderr: '' });
      },
      120_000,
    );
  }
});
