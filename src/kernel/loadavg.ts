/** Load averages: uptime(1), getloadavg(3). Sampled every five seconds, with Linux's decay. */
import type { Kernel } from './kernel.js';
import type { TimerTarget } from './timers.js';

const INTERVAL = 5_000_000_000;
const decay = [60, 300, 900].map((seconds) => Math.exp(-5 / seconds));

export class LoadSampler implements TimerTarget {
  constructor(private readonly kernel: Kernel) {
    this.arm();
  }

  private arm(): void {
    this.kernel.scheduler.timers.add(this.kernel.host.clock.now() + INTERVAL, this);
  }

  expired(): void {
    let running = 0;
    for (const task of this.kernel.pids.tasks.values())
      if (task.state === 'user' || task.sleeping === 'uninterruptible') running++;
    const { loadAverages } = this.kernel;
    for (let index = 0; index < 3; index++)
      loadAverages[index] = loadAverages[index] * decay[index] + running * (1 - decay[index]);
    this.arm();
  }
}
