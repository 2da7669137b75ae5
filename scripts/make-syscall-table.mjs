// Writes src/arch/x86/syscall-64.ts from the `export const sys_*` declarations under src and the numbers in
// src/uapi/unistd-64.ts. Run it after adding a system call: `node scripts/make-syscall-table.mjs`.
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync, existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');
const numbersFile = join(root, 'uapi', 'unistd-64.ts');
if (!existsSync(numbersFile)) process.exit(0);
const numbers = new Map();
for (const [, name, number] of readFileSync(numbersFile, 'utf8').matchAll(
  /^\s*(?:export const __NR_)?(\w+)(?::|\s*=)\s*(\d+)[,;]/gm,
))
  numbers.set(name, Number(number));

const found = [];
function walk(directory) {
  for (const entry of readdirSync(directory).sort()) {
    const path = join(directory, entry);
    if (statSync(path).isDirectory()) walk(path);
    else if (entry.endsWith('.ts') && !entry.endsWith('.test.ts'))
      for (const [, name] of readFileSync(path, 'utf8').matchAll(/^export const sys_(\w+)/gm)) {
        const number = numbers.get(name);
        if (number === undefined) throw new Error(`${path}: no number for sys_${name}`);
        found.push({ name, number, file: relative(root, path).replace(/\.ts$/, '.js') });
      }
  }
}
walk(root);
found.sort((a, b) => a.number - b.number);
const files = [...new Set(found.map((f) => f.file))].sort((a, b) => (a < b ? -1 : 1));
const lines = [
  '/** THE table: which function serves which system call number on x86-64. Made by scripts/make-syscall-table.mjs. */',
  "import type { SystemCall } from '../../kernel/syscall.js';",
  ...files.map(
    (file) =>
      `import { ${found
        .filter((f) => f.file === file)
        .map((f) => 'sys_' + f.name)
        .sort()
        .join(', ')} } from '../../${file}';`,
  ),
  '',
  'const table: readonly (readonly [number: number, name: string, call: SystemCall])[] = [',
  ...found.map((f) => `  [${f.number}, '${f.name}', sys_${f.name}],`),
  '];',
  '',
  '/** Indexed by number. */',
  'export const syscalls: (SystemCall | undefined)[] = [];',
  'for (const [number, , call] of table) syscalls[number] = call;',
  '',
];
const text = lines.join('\n');
const out = join(root, 'arch', 'x86', 'syscall-64.ts');
mkdirSync(dirname(out), { recursive: true });
if (!existsSync(out) || readFileSync(out, 'utf8') !== text) writeFileSync(out, text);
