/** Nothing of the platform outlives the kernel, however the kernel ends. Needs the compiled files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const compiled = fileURLToPath(new URL('../../../../dist/host/linux/seccomp/', import.meta.url));

/** A machine with two spaces: one in an endless loop, one stopped in a system call. Prints its stub processes. */
const machine = `
const { TestMachine } = await import('${compiled}testing.js');
const { readFileSync, readdirSync } = await import('node:fs');
const machine = new TestMachine();
machine.start((a) => a.label('loop').jmp('loop'));
machine.start((a) => a.syscall());
machine.trap();
const children = readdirSync('/proc').filter((pid) => {
  try { return readFileSync('/proc/' + pid + '/stat', 'latin1').split(') ')[1].split(' ')[1] === String(process.pid); }
  catch { return false; }
});
`;

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
};

async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text.trim();
}

async function untilGone(pids: readonly number[]): Promise<number[]> {
  const deadline = performance.now() + 5000;
  while (pids.some(isAlive) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return pids.filter(isAlive);
}

function start(script: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe.skipIf(!existsSync(`${compiled}testing.js`))('the stubs end', () => {
  test('when the kernel process is killed', async () => {
    const child = start(`${machine} console.log(children.join(' ')); setInterval(() => {}, 1000);`);
    const pids = (await firstLine(child)).split(' ').map(Number);
    expect(pids.length).toBe(3);
    expect(pids.every(isAlive)).toBe(true);
    child.kill('SIGKILL');
    expect(await untilGone(pids)).toEqual([]);
  });

  test('when the kernel thread is terminated', async () => {
    const script = `
      import { Worker } from 'node:worker_threads';
      const worker = new Worker(${JSON.stringify(`(async () => { ${machine}
        (await import('node:worker_threads')).parentPort.postMessage(children.join(' ')); setInterval(() => {}, 1000); })()`)},
        { eval: true });
      worker.on('message', async (pids) => { await worker.terminate(); console.log(pids); });
      setInterval(() => {}, 1000);`;
    const child = start(script);
    const pids = (await firstLine(child)).split(' ').map(Number);
    expect(pids.length).toBe(3);
    expect(await untilGone(pids)).toEqual([]);
    expect(isAlive(child.pid as number)).toBe(true);
    child.kill('SIGKILL');
  });

  test('and leave no zombies when the platform is shut down', async () => {
    const child = start(`${machine} machine.close();
      console.log(children.filter((pid) => { try { readFileSync('/proc/' + pid + '/stat'); return true; } catch { return false; } }).length);`);
    expect(await firstLine(child)).toBe('0');
  });
});
