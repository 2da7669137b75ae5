/**
 * The main thread's part in a machine: starts the kernel's thread, passes on what happens to the process (signals, the
 * terminal's size), and ends the process when the kernel says so. Imports little: the kernel's thread loads the rest.
 */
import { readFileSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { HostMessage } from '../host/host.js';
import type { KernelThreadData, KernelThreadMessage, SavedTerminal } from '../host/linux/messages.js';

/** Signals that end the machine in an orderly way; a second one ends the process at once. */
const ENDING_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const SIGABRT = 6;
const SIGQUIT = 3;
const CRASHED = 1;

type ProcessEnd = typeof import('../host/linux/process-end.js');

class Supervisor {
  private doorbell: number | undefined;
  private terminals: readonly SavedTerminal[] = [];
  private finishing = false;
  private readonly signalled = new Set<string>();

  constructor(private readonly worker: Worker) {
    worker.on('message', (message: KernelThreadMessage) => this.received(message));
    worker.on('error', (error) => this.crashed(error));
    worker.on('exit', () => this.crashed(new Error('it has ended')));
    process.on('uncaughtException', (error) => this.crashed(error));
    process.on('SIGWINCH', () => this.send({ kind: 'window-size' }));
    // By default Node would open its debugger.
    process.on('SIGUSR1', () => undefined);
    process.on('SIGQUIT', () => void this.finish((end) => end.dieOf(SIGQUIT)));
    for (const [name, signal] of Object.entries(ENDING_SIGNALS))
      process.on(name, () => this.ending(name, signal));
  }

  private ending(name: string, signal: number): void {
    if (this.signalled.has(name)) void this.finish((end) => end.dieOf(signal));
    this.signalled.add(name);
    this.send({ kind: 'signal', signal });
  }

  private send(message: HostMessage): void {
    this.worker.postMessage(message);
    this.ring();
  }

  private ring(): void {
    if (this.doorbell !== undefined) writeSync(this.doorbell, new BigUint64Array([1n]));
  }

  private received(message: KernelThreadMessage): void {
    if (message.kind === 'started') {
      this.doorbell = message.doorbell;
      this.terminals = message.terminals;
      this.ring();
      return;
    }
    const { how } = message;
    void this.finish((end) => {
      if (how === 'abort') end.dieOf(SIGABRT);
      else if (how !== 'restart') end.exitNow(how);
      else {
        const error = end.execAgain();
        complain(`linux: cannot start again: error ${-error}`);
        end.exitNow(CRASHED);
      }
    });
  }

  private crashed(error: Error): void {
    if (this.finishing) return;
    complain(`linux: the kernel thread has crashed: ${error.message}`);
    void this.finish((end) => end.exitNow(CRASHED));
  }

  /** Puts the terminals back and ends the process. */
  private async finish(how: (end: ProcessEnd) => void): Promise<void> {
    if (this.finishing) return;
    this.finishing = true;
    const end = await import('../host/linux/process-end.js');
    end.restoreTerminals(this.terminals);
    how(end);
  }
}

function complain(line: string): void {
  writeSync(2, line + '\n');
}

/** Starts a machine; the process ends with it. */
export function launch(data: KernelThreadData): void {
  // Modes of files on the host are what the machine asks for.
  process.umask(0);
  const thread = new URL('../host/linux/kernel-thread.js', import.meta.url);
  // What describes the main program's own source is not for the thread, which is a file.
  const execArgv = process.execArgv.filter(
    (option) => !/^(--input-type|--eval|-e|--print|-p)\b/.test(option),
  );
  new Supervisor(new Worker(thread, { workerData: data, trackUnmanagedFds: false, execArgv }));
}

/**
 * The command's arguments as the bytes that they are: as text, what is not UTF-8 would be lost. They are the last words of
 * the process's command line.
 */
export function rawArguments(): string[] {
  const count = process.argv.length - 2;
  const words = readFileSync('/proc/self/cmdline', 'latin1').split('\0');
  return count === 0 ? [] : words.slice(-count - 1, -1);
}
