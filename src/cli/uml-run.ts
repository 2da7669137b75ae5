/** `uml run`: boots a machine for one command, with this terminal or these pipes, and ends as the command does. */
import { statSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { parseArgs } from 'node:util';
import { nameToBytes, text, utf8 } from '../lib/names.js';
import type { RunMount, RunRequest } from '../init/run.js';
import { launch } from './launch.js';
import { type UmlCommand, UsageError } from './uml-command.js';

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const help = `Usage: uml run [OPTIONS] [--] COMMAND [ARGUMENTS]

Boots a machine, runs COMMAND in it as root, and ends with its exit status (128
and the signal's number if a signal has ended it; 127 if it is not found, 126
if it cannot be run, 125 if the machine cannot be started).

Without --root the machine boots from a copy-on-write view of the host's own
files: it sees them all, starts in the current directory, and what it changes
is gone with it.

Options:
  --root DIR              the machine's root is the host directory DIR; changes
                          are made there
  --mount HOST:GUEST[:ro] the host directory HOST appears at GUEST, shared;
                          may be given several times
  --disk FILE[,BACKING]   a disk of the machine, as the switch ubdN=: the first is
                          /dev/ubda, and so on; may be given several times
  --mem SIZE              memory of the machine, such as 512M or 2G
  --env NAME=VALUE        a variable for the command; --env NAME passes on the
                          one we have; may be given several times
  --cwd DIR               the directory in the machine to start in
  --help                  prints this text
`;

const options = {
  root: { type: 'string' },
  mount: { type: 'string', multiple: true },
  disk: { type: 'string', multiple: true },
  mem: { type: 'string' },
  env: { type: 'string', multiple: true },
  cwd: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parse>['values'];

function parse(words: readonly string[]) {
  return parseArgs({ args: [...words], options, strict: true, allowPositionals: true });
}

/** Options end at `--` or at the first word that is none: the command's own are not ours. */
export function splitWords(words: readonly string[]): [own: string[], command: string[]] {
  let at = 0;
  while (at < words.length && words[at].startsWith('-') && words[at] !== '--') {
    const name = /^--([a-z]+)$/.exec(words[at])?.[1];
    const takesValue =
      name !== undefined && name in options && options[name as keyof typeof options].type === 'string';
    at += takesValue ? 2 : 1;
  }
  return [words.slice(0, at), words.slice(words[at] === '--' ? at + 1 : at)];
}

export function parseRun(words: readonly string[]): { request: RunRequest; switches: string[] } | 'help' {
  const [own, command] = splitWords(words);
  const values = parseOptions(own);
  if (values.help === true) return 'help';
  if (command.length === 0) throw new UsageError('run: which command? See `uml run --help`');
  // A terminal is one for both ways; errors may go elsewhere.
  const terminal = isatty(0) && isatty(1);
  const request: RunRequest = {
    command,
    root: values.root === undefined ? undefined : hostDirectory('--root', values.root),
    mounts: (values.mount ?? []).map(parseMount),
    environment: [PATH, 'HOME=/root', ...passedOn(terminal), ...(values.env ?? []).flatMap(parseVariable)],
    cwd: values.cwd ?? (values.root === undefined ? utf8(process.cwd()) : undefined),
    streams: [0, 1, 2].map((fd) => (terminal && isatty(fd) ? 'console' : 'host')),
  };
  const memory = values.mem === undefined ? [] : [`mem=${values.mem}`];
  const disks = (values.disk ?? []).map((files, unit) => `ubd${unit}=${utf8(files)}`);
  return { request, switches: ['quiet', ...memory, ...disks] };
}

function parseOptions(words: readonly string[]): Values {
  try {
    return parse(words).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`run: ${error.message.split('. ')[0]}; see \`uml run --help\``);
  }
}

const passedOn = (terminal: boolean): string[] =>
  terminal && process.env.TERM !== undefined ? [`TERM=${process.env.TERM}`] : [];

function hostDirectory(option: string, name: string): string {
  // Names are bytes: Node takes them as a Buffer.
  const found = statSync(Buffer.from(nameToBytes(name)), { throwIfNoEntry: false });
  if (found?.isDirectory() !== true)
    throw new UsageError(
      `run: ${option}: ${text(name)} is ${found === undefined ? 'missing' : 'not a directory'}`,
    );
  return name;
}

function parseMount(word: string): RunMount {
  const parts = word.split(':');
  const readOnly = parts.length === 3 && parts[2] === 'ro';
  if ((parts.length !== 2 && !readOnly) || !parts[1].startsWith('/'))
    throw new UsageError(
      `run: --mount ${text(word)}: HOST:GUEST or HOST:GUEST:ro is expected, GUEST an absolute path`,
    );
  return { host: hostDirectory('--mount', parts[0]), guest: parts[1], readOnly };
}

function parseVariable(word: string): string[] {
  if (word.includes('=')) return [word];
  const value = process.env[text(word)];
  return value === undefined ? [] : [`${word}=${utf8(value)}`];
}

export const run: UmlCommand = {
  name: 'run',
  summary: 'boots a machine for one command',
  run(words) {
    const parsed = parseRun(words);
    if (parsed === 'help') writeSync(1, help);
    else launch({ words: parsed.switches, run: parsed.request });
  },
};
