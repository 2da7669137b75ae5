/** Start-up: from the command line to the first program. Linux: init/main.c. */
import type { Host } from '../host/host.js';
import { HOST_AT_FDCWD, type HostFiles } from '../host/files.js';
import type { Name } from '../lib/names.js';
import { type CommandLineResult, parseCommandLine } from './command-line.js';
import { kernelParameters } from './parameters.js';
import type { RunRequest } from './run.js';
import { umlSwitches } from './switches.js';
import { R_OK } from '../uapi/fcntl.js';

const DEFAULT_ROOT_FILE = 'root_fs';

export type BootRequest = Extract<CommandLineResult, { kind: 'boot' }>;

/** What the command line asks for. */
export function readCommandLine(
  words: readonly Name[],
  run: RunRequest | undefined,
  files: HostFiles,
): CommandLineResult {
  const hasRootFile = files.access(HOST_AT_FDCWD, DEFAULT_ROOT_FILE, R_OK) === 0;
  return parseCommandLine(words, {
    switches: [...umlSwitches([], () => ''), ...kernelParameters],
    defaultRoot: run === undefined && hasRootFile ? 'ubd' : 'host',
  });
}

export async function start(host: Host, { params }: BootRequest): Promise<void> {
  host.complain(params.commandLine);
  host.exit(3);
}
