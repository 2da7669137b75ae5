/**
 * Compares src/uapi with the C headers of the machine: every constant's value, every structure's size and alignment, every
 * field's offset and size. Each module becomes a C file whose constants the compiler evaluates; nothing is run. What the
 * headers can't know is listed, with the reason in the list's name. Without a C compiler the tests are skipped.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Struct } from '../src/lib/struct.js';
import { Errno } from '../src/uapi/errno.js';
import { abi, type AbiModule } from './abi-modules.js';

const run = promisify(execFile);
const hasCompiler = spawnSync('gcc', ['--version']).status === 0;
const uapi = new URL('../src/uapi/', import.meta.url);

/** The headers are as new as those that the lists were made with; older ones may lack more. */
const HEADERS_OF_LISTS = 0x06_01_00;

/** One thing to ask the compiler. */
interface Question {
  /** What to call it in a report, and in the lists: `O_CREAT`, `flock`, `flock.l_type`. */
  readonly name: string;
  readonly expression: string;
  readonly expected: bigint;
}

interface Answers {
  readonly answered: readonly { readonly question: Question; readonly answer: bigint }[];
  readonly unknown: readonly Question[];
}

/** To assembly, and no end of errors: each tells which name is not known. */
const OPTIONS = ['-S', '-w', '-D_GNU_SOURCE', '-fmax-errors=0', '-fno-zero-initialized-in-bss'];

/** Fields without a meaning, which headers name as they please. */
const FILLER = /^_|(^|_)(pad|padding|unused|reserved|spare)(64)?\d*$/;

function questions(
  module: Record<string, unknown>,
  { types = {}, fields = {}, ours = [], grow = [] }: AbiModule,
): Question[] {
  const found: Question[] = [];
  const ask = (name: string, expression: string, expected: number | bigint): void => {
    if (!ours.includes(name)) found.push({ name, expression, expected: BigInt(expected) });
  };
  for (const [name, value] of Object.entries(module)) {
    if (typeof value === 'number') ask(name, name, value === Infinity ? -1 : value);
    else if (typeof value === 'string') ask(name, `__builtin_strcmp(${name}, ${JSON.stringify(value)})`, 0);
    else if (value instanceof Errno) ask(name, name, value.number);
    else if (name === 'syscallNumbers') {
      for (const [call, number] of Object.entries(value as Record<string, number>))
        ask(call, `__NR_${call}`, number);
    } else if (value instanceof Struct && !ours.includes(name)) {
      const type = types[name] ?? `struct ${name}`;
      if (grow.includes(name)) ask(name, `sizeof(${type}) >= ${value.size}`, 1);
      else ask(name, `sizeof(${type})`, value.size);
      ask(name, `_Alignof(${type})`, value.align);
      for (const [field, offset] of Object.entries(value.offset as Record<string, number>)) {
        const member = fields[`${name}.${field}`] ?? (FILLER.test(field) ? undefined : field);
        if (member !== undefined) ask(`${name}.${field}`, `__builtin_offsetof(${type}, ${member})`, offset);
      }
    }
  }
  return found;
}

const program = (headers: readonly string[], asked: readonly Question[]): string => `
${headers.map((header) => `#include <${header}>`).join('\n')}
const long long values[] = {
${asked.map(({ expression }) => `  (long long)(${expression}),`).join('\n')}
};
`;

/** The compiler's errors by the line of the question that they are about. */
function failures(stderr: string, firstLine: number): Set<number> {
  const lines = new Set<number>();
  for (const [, line] of stderr.matchAll(/^[^:\n]+\.c:(\d+):\d+: error:/gm))
    lines.add(Number(line) - firstLine);
  return lines;
}

/** The numbers of an array in the compiler's assembly output. */
function values(assembly: string): bigint[] {
  const found: bigint[] = [];
  for (const [, directive, operand] of assembly.matchAll(/^\s*\.(quad|zero)\s+(-?\d+)/gm)) {
    if (directive === 'quad') found.push(BigInt(operand));
    else for (let bytes = Number(operand); bytes > 0; bytes -= 8) found.push(0n);
  }
  return found;
}

describe.skipIf(!hasCompiler)('the ABI as the C compiler sees it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'abi-'));
  let headerVersion = 0;

  beforeAll(() => {
    const version = readFileSync('/usr/include/linux/version.h', 'utf8').match(/LINUX_VERSION_CODE (\d+)/);
    headerVersion = Number(version?.[1] ?? 0);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function compile(
    name: string,
    headers: readonly string[],
    asked: readonly Question[],
  ): Promise<bigint[]> {
    const file = join(folder, `${name}.c`);
    writeFileSync(file, program(headers, asked));
    const { stdout } = await run('gcc', [...OPTIONS, '-o', '-', file], { maxBuffer: 1 << 24 });
    return values(stdout);
  }

  /** Asks everything at once, and again without what the headers turn out not to know. */
  async function ask(name: string, headers: readonly string[], asked: readonly Question[]): Promise<Answers> {
    let known = asked;
    for (;;) {
      try {
        const answers = await compile(name, headers, known);
        expect(answers.length).toBe(known.length);
        const unknown = asked.filter((question) => !known.includes(question));
        return { answered: known.map((question, index) => ({ question, answer: answers[index] })), unknown };
      } catch (error) {
        const { stderr = String(error) } = error as { stderr?: string };
        const bad = failures(stderr, headers.length + 3);
        const all = known;
        expect(bad.size > 0 && [...bad].every((line) => line >= 0 && line < all.length), stderr).toBe(true);
        known = all.filter((_, line) => !bad.has(line));
      }
    }
  }

  test.each(abi)('$name', async (entry) => {
    const module = (await import(new URL(`${entry.name}.ts`, uapi).href)) as Record<string, unknown>;
    let open: readonly Question[] = questions(module, entry);
    const different: string[] = [];
    for (const headers of [entry.headers, ...(entry.also ?? [])]) {
      const { answered, unknown } = await ask(entry.name, headers, open);
      for (const { question, answer } of answered) {
        const { name, expected } = question;
        if (answer !== expected) different.push(`${name}: ${expected}, in C ${answer}`);
      }
      open = unknown;
    }
    expect(different).toEqual([]);
    const missing = new Set(open.map(({ name }) => name).filter((name) => !entry.newer?.includes(name)));
    if (headerVersion >= HEADERS_OF_LISTS) expect([...missing].join(' ')).toBe('');
  });

  test('every header of ours is compared', () => {
    const files = readdirSync(uapi).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
    expect(abi.map(({ name }) => `${name}.ts`).toSorted()).toEqual(files.toSorted());
  });
});
