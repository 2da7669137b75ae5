/**
 * The OOM killer: when neither free frames nor pages to reclaim are left, the process whose end frees most is killed, and
 * its private memory is taken from it at once (Linux's OOM reaper), so that the allocation can go on.
 */
import type { Kernel } from '../kernel/kernel.js';
import type { Process } from '../kernel/process.js';
import { kernelInfo } from '../kernel/siginfo.js';
import { sendToProcess } from '../kernel/signal-send.js';
import { OOM_SCORE_ADJ_MIN } from '../uapi/oom.js';
import { SIGKILL } from '../uapi/signal.js';
import type { AddressSpace } from './address-space.js';
import type { MemoryManager } from './memory-manager.js';
import { zapRange } from './pages.js';

/** Pages that the end of a process would free, weighted by oom_score_adj; -Infinity: it must not be killed. */
export function badness(manager: MemoryManager, process: Process): number {
  const space = spaceOf(process);
  if (process.pid === 1 || space === undefined || space.reaped) return -Infinity;
  if (process.oomScoreAdj === OOM_SCORE_ADJ_MIN) return -Infinity;
  const points = space.residentPages + space.tables.size;
  return points + Math.floor((process.oomScoreAdj * manager.frames.total) / 1000);
}

/** /proc/PID/oom_score: 0 to 2000. */
export function oomScore(manager: MemoryManager, process: Process): number {
  const points = badness(manager, process);
  if (points === -Infinity) return 0;
  return Math.max(0, Math.floor(((1000 + Math.floor((points * 1000) / manager.frames.total)) * 2) / 3));
}

function spaceOf(process: Process): AddressSpace | undefined {
  for (const task of process.threads) if (task.mm !== undefined) return task.mm;
  return undefined;
}

export class OomKiller {
  /** Victims that may still hold memory. */
  private readonly victims = new Set<AddressSpace>();

  constructor(private readonly manager: MemoryManager) {}

  private get kernel(): Kernel {
    return this.manager.kernel;
  }

  /** Kills the worst process. False when there is none to kill. */
  run(): boolean {
    const victim = this.select();
    if (victim === undefined) return false;
    this.kill(victim, spaceOf(victim) as AddressSpace);
    return true;
  }

  /** Whether a victim's end will free memory soon. */
  victimsLeft(): boolean {
    for (const space of this.victims) {
      if (space.users > 0) return true;
      this.victims.delete(space);
    }
    return false;
  }

  private select(): Process | undefined {
    let worst: Process | undefined;
    let most = -Infinity;
    for (const process of this.kernel.pids.processes.values()) {
      const points = badness(this.manager, process);
      if (points <= most) continue;
      most = points;
      worst = process;
    }
    return worst;
  }

  private kill(victim: Process, space: AddressSpace): void {
    const { log } = this.kernel;
    const comm = victim.leader?.comm ?? '';
    const kib = (pages: number): string => `${pages * 4}kB`;
    const uid = victim.leader?.credentials.uid ?? 0;
    log.error(
      `Out of memory: Killed process ${victim.pid} (${comm}) total-vm:${kib(space.totalPages)}, ` +
        `anon-rss:${kib(space.anonPages)}, file-rss:${kib(space.filePages)}, shmem-rss:${kib(space.shmemPages)}, ` +
        `UID:${uid} pgtables:${kib(space.tables.size)} oom_score_adj:${victim.oomScoreAdj}`,
    );
    this.manager.counters.oomKill++;
    // Whoever shares the space has to go as well: the memory is not freed otherwise, and is about to be taken.
    for (const process of this.kernel.pids.processes.values())
      if (spaceOf(process) === space) sendToProcess(process, kernelInfo(SIGKILL));
    this.victims.add(space);
    this.reap(space);
  }

  /** Takes the private memory of a dying space. */
  private reap(space: AddressSpace): void {
    space.reaped = true;
    for (const vma of space.vmas.areas)
      if (!vma.shared && !vma.locked) zapRange(space, vma.start, vma.end, true);
    space.commit();
  }
}
