/** Puts a kernel together: every subsystem's root object, in the order in which they need each other. */
import { x86 } from '../arch/x86/arch.js';
import { Disks } from '../block/disks.js';
import { AnonymousInodes } from '../fs/anon-inode.js';
import { Devices } from '../fs/char-dev.js';
import { LockTable } from '../fs/locks.js';
import { PidFiles } from '../fs/pidfd.js';
import type { Host } from '../host/host.js';
import { Kernel, type KernelConfig } from '../kernel/kernel.js';
import type { Params } from '../kernel/params.js';
import { PidTable } from '../kernel/pid.js';
import { Printk } from '../kernel/printk.js';
import { threadsForMemory } from '../kernel/rlimits.js';
import { MemoryManager } from '../mm/memory-manager.js';
import { PhysicalAllocator } from '../mm/physmem.js';
import { Net } from '../net/net.js';

export function createKernel(host: Host, params: Params, config: KernelConfig): Kernel {
  const kernel = new Kernel(host, config);
  params.cpus ??= host.machine.cpuCount;
  kernel.params = params;
  kernel.log = new Printk(host.clock);
  kernel.log.consoleLevel = params.consoleLogLevel;
  kernel.arch = x86;
  kernel.pids = new PidTable();
  kernel.pids.maxTasks = Math.min(threadsForMemory(host.memory.size), host.cpu.maxContexts);
  kernel.frames = new PhysicalAllocator(host.memory);
  kernel.memory = new MemoryManager(kernel, kernel.frames);
  kernel.devices = new Devices(kernel);
  kernel.disks = new Disks(kernel);
  kernel.anonymous = new AnonymousInodes(kernel);
  kernel.locks = new LockTable();
  kernel.pidFiles = new PidFiles();
  kernel.net = new Net(kernel, config.protocolFamilies);
  return kernel;
}
