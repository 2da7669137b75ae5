/**
 * The kernel's main loop, and the one place where it sleeps. Serves traps, runs expired timers, lets woken sleepers go on,
 * looks at host descriptors; with nothing left to do it spins briefly, then sleeps in the host until something happens.
 */
import { READY_IN } from '../host/host.js';
import type { HostMessage } from '../host/host.js';
import type { Kernel, Shutdown } from './kernel.js';
import type { Traps } from './trap.js';

/** Traps served in one go before timers and descriptors get their turn. */
const TRAP_BATCH = 64;
/** Host descriptors are looked at this often at least, however busy the guests are. In nanoseconds. */
const POLL_INTERVAL = 200_000;

export interface LoopHooks {
  /** A message from the host side: a signal to the process, the terminal's size, ... */
  message(message: HostMessage): void;
}

/** Runs the machine until it is shut down. */
export async function runLoop(kernel: Kernel, traps: Traps, hooks: LoopHooks): Promise<Shutdown> {
  const { host, scheduler } = kernel;
  const { cpu, events, clock } = host;
  const { timers } = scheduler;
  events.watch(cpu.doorbell, READY_IN, { hostReady: () => {} });
  let lastPoll = 0;

  for (;;) {
    for (let served = 0; served < TRAP_BATCH; served++) {
      const context = cpu.nextTrap();
      if (context === undefined) break;
      traps.serve(context);
    }
    timers.run();
    // Everything that was woken runs until it sleeps again or leaves the kernel.
    while (scheduler.active > 0) await Promise.resolve();
    if (kernel.shutdown !== undefined) return kernel.shutdown;

    const now = clock.now();
    let timeout: number;
    if (now - lastPoll >= POLL_INTERVAL) timeout = 0;
    else if (cpu.runningCount > 0 && cpu.spin()) continue;
    else timeout = Math.max(0, timers.next() - now);

    if (timeout > 0) {
      if (cpu.prepareSleep()) events.poll(timeout);
      cpu.endSleep();
    } else events.poll(0);
    lastPoll = clock.now();
    for (let message = host.nextMessage(); message !== undefined; message = host.nextMessage())
      hooks.message(message);
  }
}
