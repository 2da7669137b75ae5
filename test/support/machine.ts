/** Runs the project's own commands from tests, and cleans up after them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const linux = join(repository, 'bin', 'linux.js');
export const uml = join(repository, 'bin', 'uml.js');

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** A program that writes more than this has gone mad. */
const MAX_OUTPUT = 64 * 2 ** 20;

/** Runs a program to its end; one that takes too long, or does not stop to write, is killed, which shows as its signal. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: options.env ?? process.env,
    });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
    const limit = (): void => {
      if (stdout.length + stderr.length > MAX_OUTPUT) child.kill('SIGKILL');
    };
    child.stdout?.on('data', (data: Buffer) => {
      stdout += data.toString('latin1');
      limit();
    });
    child.stderr?.on('data', (data: Buffer) => {
      stderr += data.toString('latin1');
      limit();
    });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, stdout, stderr });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

/** `uml run ARGS -- COMMAND`: one command in a fresh machine. */
export function umlRun(
  command: readonly string[],
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Outcome> {
  return run(process.execPath, [uml, 'run', ...args, '--', ...command], options);
}

/** Boots `linux SWITCHES`. */
export function boot(switches: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run(process.execPath, [linux, ...switches], options);
}
