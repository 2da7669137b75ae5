/** What kind of machine the command line asks for: what its root is, and who is its first process. */
import type { Params } from '../kernel/params.js';
import type { Name } from '../lib/names.js';
import type { Program } from './built-in-init.js';
import type { ConsoleStreams } from './consoles.js';
import { HostStreams } from '../drivers/char/host-stream.js';
import type { RunMount, RunRequest } from './run.js';

/** What the person who starts us has around them. */
export interface HostEnvironment {
  readonly home: Name | undefined;
  readonly term: Name | undefined;
  readonly cwd: Name;
}

export interface Plan {
  /** `named`: root=, rootfstype=; `host`: the host's own files, copy-on-write. */
  readonly root: 'named' | 'host';
  /** The programs for a built-in init, the first that is there; undefined: the root has an init of its own. */
  readonly programs: readonly Program[] | undefined;
  /** Host directories to mount. */
  readonly mounts: readonly RunMount[];
  readonly console: ConsoleStreams;
  /** The descriptors of the process are the program's own streams. */
  readonly hostStreams: boolean;
  /** The console is the controlling terminal of the program's session. */
  readonly controllingTerminal: boolean;
  /**
   * The machine is there for its program, as `uml run`'s is: signals to our process are for the program, and its exit status
   * is ours. Otherwise signals end the machine, and the status is what /proc/exitcode says.
   */
  readonly forProgram: boolean;
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const CONSOLE_TERMINAL = '/dev/tty0';

export function planFor(params: Params, run: RunRequest | undefined, environment: HostEnvironment): Plan {
  const root = params.rootDevice === undefined && params.rootType === undefined ? 'host' : 'named';
  if (run !== undefined) return planRun(root, run);
  return {
    root,
    programs: root === 'host' && params.init === undefined ? shells(params, environment) : undefined,
    mounts: [],
    console: { input: 0, output: 1 },
    hostStreams: false,
    controllingTerminal: true,
    forProgram: false,
  };
}

/** A login-like shell, where and as whom the machine was started. */
function shells(params: Params, { home, term, cwd }: HostEnvironment): Program[] {
  const environment = [
    `HOME=${home ?? '/root'}`,
    `TERM=${term ?? 'linux'}`,
    PATH,
    'USER=root',
    'LOGNAME=root',
    ...params.initEnvironment,
  ];
  const streams = [CONSOLE_TERMINAL, CONSOLE_TERMINAL, CONSOLE_TERMINAL];
  return ['/bin/bash', '/bin/sh'].map((file) => ({
    file,
    argv: [file.replace(/.*\//, '-')],
    environment: [...environment, `SHELL=${file}`],
    cwd,
    streams,
  }));
}

function planRun(root: Plan['root'], run: RunRequest): Plan {
  const { command, environment, cwd, mounts } = run;
  const terminal = run.streams.includes('console');
  const streams = run.streams.map((stream, fd) =>
    stream === 'console' ? CONSOLE_TERMINAL : HostStreams.path(fd),
  );
  return {
    root,
    programs: [{ file: command[0], argv: command, environment, cwd, streams }],
    mounts,
    console: terminal ? { input: 0, output: 1 } : { input: -1, output: 2 },
    hostStreams: run.streams.includes('host'),
    controllingTerminal: terminal,
    forProgram: true,
  };
}
