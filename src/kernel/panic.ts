/** The end of the machine for a reason of its own, and the end of a task for a bug of ours. */
import type { Kernel } from './kernel.js';

/** Stops the machine: the loop ends, and the process with a non-zero status. */
export function panic(kernel: Kernel, message: string): void {
  kernel.log.write(0, `Kernel panic - not syncing: ${message}`);
  kernel.shutdown ??= { kind: 'panic', message };
}

/** A bug of ours, found while serving `what`: the log gets the stack, the machine goes on (unless panic_on_oops). */
export function oops(kernel: Kernel, what: string, error: unknown): void {
  const stack = kernel.host.describeError(error);
  kernel.log.write(1, `BUG: ${what}\n${stack}`);
  if (kernel.params.panicOnOops) panic(kernel, 'Fatal exception');
}
