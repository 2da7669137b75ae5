/** Compiles the C programs that run on the host and in the guest alike. Results are kept in .cache/programs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './machine.js';

export const hasCompiler = spawnSync('gcc', ['--version']).status === 0;

export const cache = join(repository, '.cache', 'programs');

const guard = join(repository, 'test', 'support', 'no-kill-all.h');

/** Compiles a source unless its result is newer, and returns the program's path. */
export function compile(source: string, name: string, flags: readonly string[] = []): string {
  mkdirSync(cache, { recursive: true });
  const output = join(cache, name);
  if (existsSync(output) && statSync(output).mtimeMs > statSync(source).mtimeMs) return output;
  const options = ['-O1', '-Wall', '-pthread', '-include', guard, ...flags];
  const result = spawnSync('gcc', [...options, '-o', output, source, '-lrt'], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${source}: ${result.stderr}`);
  return output;
}

/** The C programs in a directory below test/, by name without ending. */
export function sources(directory: string): { readonly name: string; readonly source: string }[] {
  const path = join(repository, 'test', directory);
  return readdirSync(path)
    .filter((file) => file.endsWith('.c'))
    .sort()
    .map((file) => ({ name: file.slice(0, -2), source: join(path, file) }));
}
