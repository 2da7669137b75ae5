/**
 * The command line: UML's switches first, argument by argument, then the kernel's parameters, in Linux's way: what nobody
 * knows is for init, `name=value` as environment, bare words as arguments. arch/um/kernel/um_arch.c, init/main.c.
 */
import { splitCommandLine, type CommandLineWord } from '../lib/cmdline.js';
import { text, type Name } from '../lib/names.js';
import { type KernelSwitch, Params, type Switch, type UmlSwitch } from '../kernel/params.js';

const COMMAND_LINE_SIZE = 4096;
/** CONFIG_INIT_ENV_ARG_LIMIT. */
const MAX_INIT_ARGS = 128;
/** HOME and TERM come before what the command line gives; argv[0] before the arguments. */
const PRESET_VARIABLES = 2;
const PRESET_ARGUMENTS = 1;
const KERN_NOTICE = 5;

export interface CommandLineOptions {
  readonly switches: readonly Switch[];
  /**
   * What the machine boots from when nothing names a root: `ubd`, disk 0 (root=98:0 is then appended, as UML does), or
   * `host`, the host's own files.
   */
  readonly defaultRoot: 'ubd' | 'host';
}

export type CommandLineResult =
  | { readonly kind: 'boot'; readonly params: Params; readonly panic: string | undefined }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'error'; readonly message: string };

/** Parses the arguments of the `linux` command. */
export function parseCommandLine(
  words: readonly Name[],
  { switches, defaultRoot }: CommandLineOptions,
): CommandLineResult {
  const params = new Params();
  // Room for a title that tools like ps show.
  const args = words[0]?.startsWith(' ') ? words.slice(1) : words;
  // What follows `--` is init's, even if it looks like a switch.
  const dashes = args.indexOf('--');
  const ours = dashes < 0 ? args : args.slice(0, dashes);
  const own = applyUmlSwitches(ours, switches, params);
  if (own.kind !== 'words') return own;
  const line = [...own.words];
  if (defaultRoot === 'ubd' && !ours.some((word) => word.startsWith('root='))) line.push('root=98:0');
  if (!ours.some((word) => word.startsWith('console='))) line.push('console=tty0');
  if (dashes >= 0) line.push(...args.slice(dashes));
  params.commandLine = line.join(' ');
  if (params.commandLine.length > COMMAND_LINE_SIZE)
    return { kind: 'error', message: 'add_arg: Too many command line arguments!' };
  const panic = applyParameters(splitCommandLine(params.commandLine), switches, params);
  return { kind: 'boot', params, panic };
}

type UmlPass =
  | Exclude<CommandLineResult, { kind: 'boot' }>
  | { readonly kind: 'words'; readonly words: readonly Name[] };

function applyUmlSwitches(words: readonly Name[], switches: readonly Switch[], params: Params): UmlPass {
  const own = switches.filter((entry) => entry.kind === 'uml');
  const kept: Name[] = [];
  for (const word of words) {
    const outcome = applyUmlSwitch(word, own, params);
    if (outcome === 'remove') continue;
    if (outcome === 'keep') kept.push(word);
    else if ('keepAs' in outcome) kept.push(outcome.keepAs);
    else if ('print' in outcome) return { kind: 'print', text: outcome.print };
    else return { kind: 'error', message: outcome.fail };
  }
  return { kind: 'words', words: kept };
}

function applyUmlSwitch(
  word: Name,
  switches: readonly UmlSwitch[],
  params: Params,
): ReturnType<UmlSwitch['apply']> {
  const found = switches.find(({ name }) => word.startsWith(name));
  return found === undefined ? 'keep' : found.apply(word.slice(found.name.length), params);
}

/** Runs the kernel's parser over its command line. A message to panic with, once there is a log, or undefined. */
function applyParameters(
  words: readonly CommandLineWord[],
  switches: readonly Switch[],
  params: Params,
): string | undefined {
  const known = switches.filter((entry) => entry.kind !== 'uml');
  const dashes = words.findIndex(({ text: word }) => word === '--');
  const forKernel = dashes < 0 ? words : words.slice(0, dashes);
  let panic: string | undefined;
  for (const word of forKernel) {
    if (isKnown(word, known, params) || panic !== undefined) continue;
    panic = giveToInit(word, params);
  }
  const unknown = [...params.initArguments, ...params.initEnvironment];
  if (panic === undefined && unknown.length > 0)
    params.earlyLog.push([
      KERN_NOTICE,
      `Unknown kernel command line parameters "${unknown.map(text).join(' ')}", will be passed to user space.`,
    ]);
  if (dashes < 0) return panic;
  for (const word of words.slice(dashes + 1)) panic ??= giveArgument(word, params);
  return panic;
}

function isKnown(word: CommandLineWord, switches: readonly KernelSwitch[], params: Params): boolean {
  return switches.some((entry) => {
    if (entry.kind === 'exact') return same(word.name, entry.name) && entry.apply(word.value ?? '', params);
    const rest = word.text.slice(entry.name.length);
    return same(word.text.slice(0, entry.name.length), entry.name) && entry.apply(rest, params);
  });
}

const same = (a: Name, b: Name): boolean => a.replaceAll('-', '_') === b.replaceAll('-', '_');

/** unknown_bootoption(): a word that is no parameter. Returns a message to panic with, or undefined. */
function giveToInit(word: CommandLineWord, params: Params): string | undefined {
  // A parameter of a module that may be loaded later.
  if (word.name.includes('.')) return undefined;
  if (word.value === undefined) return giveArgument(word, params);
  const { initEnvironment } = params;
  const prefix = `${word.name}=`;
  const at = initEnvironment.findIndex((variable) => variable.startsWith(prefix));
  if (at >= 0) initEnvironment[at] = word.text;
  else if (initEnvironment.length + PRESET_VARIABLES > MAX_INIT_ARGS) return tooMany('env', word);
  else initEnvironment.push(word.text);
  return undefined;
}

function giveArgument(word: CommandLineWord, params: Params): string | undefined {
  if (params.initArguments.length + PRESET_ARGUMENTS > MAX_INIT_ARGS) return tooMany('init', word);
  params.initArguments.push(word.text);
  return undefined;
}

const tooMany = (what: string, word: CommandLineWord): string =>
  `Too many boot ${what} vars at \`${text(word.text)}'`;
