/**
 * The dependency rule: a module imports only from its own layer or from those above it in this list. `import type` is a
 * forward declaration and may point anywhere. Leaves never import each other.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const source = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');

/** Folder patterns, lowest layer first. A folder that is named beats one that a star stands for. */
const layers: readonly (readonly string[])[] = [
  ['lib'],
  ['uapi'],
  ['host'],
  ['kernel'],
  ['mm'],
  ['block'],
  ['fs'],
  ['net', 'ipc', 'drivers/tty'],
  ['fs/*', 'net/*', 'drivers/*'],
  ['drivers/*/*', 'net/*/*', 'host/fake'],
  ['arch', 'arch/*'],
  ['init'],
  ['host/linux', 'host/linux/*', 'cli', 'tools', '.'],
];

interface Place {
  readonly rank: number;
  readonly folder: string;
}

function placeOf(file: string): Place {
  const folder = dirname(file);
  const exact = layers.findIndex((patterns) => patterns.includes(folder));
  const rank =
    exact >= 0 ? exact : layers.findIndex((patterns) => patterns.some((pattern) => matches(pattern, folder)));
  if (rank >= 0) return { rank, folder };
  throw new Error(`${file}: no layer for this folder: add it to style and to this list`);
}

function matches(pattern: string, folder: string): boolean {
  const want = pattern.split('/');
  const have = folder.split('/');
  return want.length === have.length && want.every((part, index) => part === '*' || part === have[index]);
}

function files(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return files(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

/** What a module imports at run time: its own modules, and others by name. */
function imports(file: string): { own: string[]; foreign: string[] } {
  const text = readFileSync(file, 'utf8');
  const own: string[] = [];
  const foreign: string[] = [];
  for (const [, clause, specifier] of text.matchAll(/^(?:import|export)\s+([^;]*?)from\s+'([^']+)';/gms)) {
    if (/^type\s/.test(clause)) continue;
    if (specifier.startsWith('.'))
      own.push(relative(source, join(dirname(file), specifier)).replace(/\.js$/, '.ts'));
    else foreign.push(specifier);
  }
  return { own, foreign };
}

/** Test helpers may reach everywhere. */
const exempt = (file: string): boolean =>
  /(^|\/)testing(-\w+)?\.ts$|\/testing\//.test(file) || file.startsWith('host/fake/');

test('imports point to the same layer or one above it', () => {
  const wrong: string[] = [];
  for (const path of files(source)) {
    const file = relative(source, path);
    if (exempt(file)) continue;
    const from = placeOf(file);
    for (const target of imports(path).own) {
      const to = placeOf(target);
      const sameLeaf =
        to.folder === from.folder ||
        to.folder.startsWith(`${from.folder}/`) ||
        from.folder.startsWith(`${to.folder}/`);
      if (
        to.rank > from.rank ||
        (to.rank === from.rank &&
          !sameLeaf &&
          layers[to.rank].some((pattern) => pattern.includes('*')) &&
          from.rank < 10)
      )
        wrong.push(`${file} -> ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('only the host side knows Node and libraries', () => {
  const wrong: string[] = [];
  for (const path of files(source)) {
    const file = relative(source, path);
    if (exempt(file) || placeOf(file).rank === layers.length - 1) continue;
    for (const name of imports(path).foreign) wrong.push(`${file} -> ${name}`);
  }
  expect(wrong).toEqual([]);
});

test('there are no cycles of imports', () => {
  const graph = new Map<string, string[]>();
  for (const path of files(source)) graph.set(relative(source, path), imports(path).own);
  const cycles: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (file: string, trail: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      cycles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'open');
    for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
    state.set(file, 'done');
  };
  for (const file of graph.keys()) visit(file, []);
  expect(cycles).toEqual([]);
});
