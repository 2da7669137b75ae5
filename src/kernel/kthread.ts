/** Kernel threads: asynchronous functions of the kernel that can wait as tasks do, but run no guest code. */
import { oops } from './panic.js';
import type { Kernel } from './kernel.js';
import { Sleeper } from './wait.js';

export class KernelThread extends Sleeper {
  constructor(
    readonly kernel: Kernel,
    readonly name: string,
  ) {
    super(kernel.scheduler);
  }

  override signalPending(): boolean {
    return false;
  }

  override fatalSignalPending(): boolean {
    return false;
  }

  /** Runs `body`; a failure of it is an oops. */
  start(body: (thread: KernelThread) => Promise<void>): void {
    const done = (): void => this.scheduler.settle(this);
    this.scheduler.stir(this);
    body(this).then(done, (error: unknown) => {
      done();
      oops(this.kernel, `in kernel thread ${this.name}`, error);
    });
  }
}
