/** Start-up: what the command line asks for becomes a machine. Linux: init/main.c. */
import { parseUbdSwitch } from '../drivers/block/ubd/request.js';
import { HOST_AT_FDCWD, type HostFiles } from '../host/files.js';
import type { Host } from '../host/host.js';
import type { Params } from '../kernel/params.js';
import type { Name } from '../lib/names.js';
import { R_OK } from '../uapi/fcntl.js';
import { type CommandLineResult, parseCommandLine } from './command-line.js';
import { switches } from './config.js';
import { DEFAULT_ROOT_FILE } from './disks.js';
import { Machine } from './machine.js';
import { type HostEnvironment, planFor } from './plan.js';
import type { RunRequest } from './run.js';

export type BootRequest = Extract<CommandLineResult, { kind: 'boot' }>;

/** What the command line asks for. */
export function readCommandLine(
  words: readonly Name[],
  run: RunRequest | undefined,
  files: HostFiles,
): CommandLineResult {
  const hasDisk = words.some(isFirstDisk) || files.access(HOST_AT_FDCWD, DEFAULT_ROOT_FILE, R_OK) === 0;
  return parseCommandLine(words, { switches, defaultRoot: run === undefined && hasDisk ? 'ubd' : 'host' });
}

/** `ubd0=FILE` and its other forms. */
function isFirstDisk(word: Name): boolean {
  if (!word.startsWith('ubd')) return false;
  const parsed = parseUbdSwitch(word.slice('ubd'.length));
  return parsed.kind === 'device' && parsed.request.unit === 0;
}

/** Boots, runs and ends a machine. */
export async function start(
  host: Host,
  boot: BootRequest,
  run: RunRequest | undefined,
  environment: HostEnvironment,
): Promise<void> {
  const { params } = boot;
  if (run?.root !== undefined) nameRoot(params, run.root);
  for (const line of params.complaints) host.complain(line);
  const machine = new Machine(host, params, planFor(params, run, environment));
  await machine.run(boot.panic);
}

/** `uml run --root`: as rootfstype=hostfs rootflags=DIR rw. */
function nameRoot(params: Params, directory: Name): void {
  params.rootType = 'hostfs';
  params.rootFlags = directory;
  params.rootReadOnly = false;
}
