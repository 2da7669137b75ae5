/**
 * The kernel's thread: a worker that runs the kernel from its first line to its shutdown, and then says so to the main
 * thread, which ends the process. The terminals' settings go to the main thread before anything can change them.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { HostEnvironment } from '../../init/plan.js';
import { type Name, utf8 } from '../../lib/names.js';
import { HostBasics, LinuxHost, writeFully } from './index.js';
import { defaultMemoryBytes } from './machine.js';
import type { KernelThreadData, KernelThreadMessage, SavedTerminal } from './messages.js';
import { describeBriefly, describeError } from './stack.js';
import type { LinuxFiles } from './files.js';

const TCGETS = 0x5401;
const TERMIOS_BYTES = 64;
const STANDARD_STREAMS = [0, 1, 2];

function saveTerminals(files: LinuxFiles): SavedTerminal[] {
  const saved: SavedTerminal[] = [];
  for (const fd of STANDARD_STREAMS) {
    const termios = new Uint8Array(TERMIOS_BYTES);
    if (files.ioctl(fd, TCGETS, termios) === 0) saved.push({ fd, termios });
  }
  return saved;
}

/** As byte strings, like all that guests see. */
function environment(): HostEnvironment {
  const variable = (name: string): Name | undefined => {
    const value = process.env[name];
    return value === undefined ? undefined : utf8(value);
  };
  return { home: variable('HOME'), term: variable('TERM'), cwd: utf8(process.cwd()) };
}

/** A host that cannot run guests is the user's to know of, not a crash: undefined, and the process ends. */
function makeHost(basics: HostBasics, memoryBytes: number): LinuxHost | undefined {
  try {
    return new LinuxHost(basics, memoryBytes);
  } catch (error) {
    basics.complain(`linux: cannot run here: ${error instanceof Error ? error.message : String(error)}`);
    basics.exit(1);
    return undefined;
  }
}

async function runKernel(basics: HostBasics, { words, run }: KernelThreadData): Promise<void> {
  const { readCommandLine, start } = await import('../../init/main.js');
  const result = readCommandLine(words, run, basics.files);
  switch (result.kind) {
    case 'print':
      writeFully(basics.files, 1, new TextEncoder().encode(result.text));
      basics.exit(0);
      return;
    case 'error':
      basics.complain(result.message);
      basics.exit(1);
      return;
    case 'boot': {
      const host = makeHost(basics, result.params.memoryBytes ?? defaultMemoryBytes());
      if (host === undefined) return;
      await start(host, result, run, environment());
      return;
    }
    default:
      return result satisfies never;
  }
}

async function main(): Promise<void> {
  if (parentPort === null) throw new Error('the kernel runs on a thread of its own');
  const basics = new HostBasics(parentPort);
  const started: KernelThreadMessage = {
    kind: 'started',
    doorbell: basics.events.doorbell,
    terminals: saveTerminals(basics.files),
  };
  parentPort.postMessage(started);
  const data = workerData as KernelThreadData;
  try {
    await runKernel(basics, data);
  } catch (error) {
    // A line for everybody; for those who debug, the stack.
    const describe = data.words.includes('debug') ? describeError : describeBriefly;
    basics.complain(`linux: the kernel has crashed: ${describe(error)}`);
    basics.exit('abort');
  }
}

await main();
