/** A machine: a kernel, its console and its first process, from start-up to the end. Linux: kernel_init(), kernel/reboot.c. */
import { MemoryDevices } from '../drivers/char/mem.js';
import { HostStreams } from '../drivers/char/host-stream.js';
import { FsContext } from '../fs/fs-context.js';
import { newMount } from '../fs/mount-tree.js';
import { syncAll } from '../fs/sync.js';
import { MountNamespace } from '../fs/namespace.js';
import { ramfs } from '../fs/tmpfs/tmpfs.js';
import type { Host, HostMessage } from '../host/host.js';
import type { Kernel, Shutdown } from '../kernel/kernel.js';
import { KernelThread } from '../kernel/kthread.js';
import { runLoop } from '../kernel/loop.js';
import { UtsNamespace } from '../kernel/namespaces.js';
import { oops, panic } from '../kernel/panic.js';
import type { Params } from '../kernel/params.js';
import { kernelInfo } from '../kernel/siginfo.js';
import { sendToGroup } from '../kernel/signal-send.js';
import type { Task } from '../kernel/task.js';
import { LoadSampler } from '../kernel/loadavg.js';
import { Traps } from '../kernel/trap.js';
import { SIGHUP } from '../uapi/signal.js';
import { logBeginning } from './boot-log.js';
import { BuiltInInit } from './built-in-init.js';
import { type MachineConfig, makeConfig } from './config.js';
import { Consoles, dumpLog } from './consoles.js';
import { createKernel } from './create-kernel.js';
import {
  BootFailure,
  makeDeviceNodes,
  mountDevices,
  mountHostDirectories,
  mountHostRoot,
  mountRoot,
  mountUsual,
} from './do-mounts.js';
import { startDisks } from './disks.js';
import { makeProcess, runAsTask, type Surroundings } from './init-task.js';
import { runInit } from './kernel-init.js';
import type { Plan } from './plan.js';

/** The process's exit status when SIGINT or SIGTERM has ended it. */
const INTERRUPTED = 1;
const SIGNALLED = 128;

export class Machine {
  private readonly config: MachineConfig;
  private readonly kernel: Kernel;
  private readonly consoles: Consoles;
  private readonly traps: Traps;
  private builtIn: BuiltInInit | undefined;

  constructor(
    private readonly host: Host,
    params: Params,
    private readonly plan: Plan,
  ) {
    this.config = makeConfig(params);
    this.kernel = createKernel(host, params, this.config);
    this.consoles = new Consoles(this.kernel, {
      channels: this.config.channels,
      devpts: this.config.devpts,
      streams: plan.console,
      serialLines: !plan.forProgram,
    });
    this.traps = new Traps(this.kernel);
  }

  async run(earlyPanic: string | undefined): Promise<void> {
    const { kernel } = this;
    if (kernel.params.earlyPrintk) this.consoles.startEarly();
    logBeginning(kernel);
    this.consoles.start();
    if (earlyPanic === undefined) this.boot();
    else panic(kernel, earlyPanic);
    const shutdown = await runLoop(kernel, this.traps, { message: (message) => this.message(message) });
    this.end(shutdown);
  }

  private boot(): void {
    const { kernel, host, plan } = this;
    kernel.devices.addCharDriver(new MemoryDevices(kernel.devices));
    new LoadSampler(kernel);
    startDisks(kernel, !plan.forProgram);
    if (plan.hostStreams) kernel.devices.addCharDriver(new HostStreams(host, kernel.devices));
    const surroundings = this.firstPlace();
    const init = makeProcess(kernel, undefined, surroundings);
    const failed = (error: unknown): void => {
      if (error instanceof BootFailure) panic(kernel, error.message);
      else {
        oops(kernel, 'while starting', error);
        panic(kernel, 'Fatal exception');
      }
    };
    runAsTask(init, () => this.startInit(init, surroundings), failed);
  }

  /** rootfs: an empty file system below the root, which nobody sees later. */
  private firstPlace(): Surroundings {
    const { kernel } = this;
    const superBlock = ramfs.mount({ kernel, task: undefined, source: 'rootfs', flags: 0, data: '' });
    const mount = newMount(superBlock, superBlock.root, 'rootfs', 0);
    const place = { mount, dentry: mount.root };
    const uts = new UtsNamespace();
    if (this.plan.programs !== undefined) uts.nodename = kernel.params.umid ?? 'uml';
    const rootfs = new FsContext(place, place);
    return { fs: rootfs.clone(), rootfs, namespaces: { uts, mount: new MountNamespace(mount) } };
  }

  private async startInit(init: Task, surroundings: Surroundings): Promise<void> {
    const { kernel, plan, traps } = this;
    makeDeviceNodes(init);
    kernel.rootMount = plan.root === 'host' ? mountHostRoot(init) : mountRoot(init);
    mountDevices(init);
    const { programs } = plan;
    if (programs === undefined) {
      await runInit(init, surroundings.rootfs);
      traps.returnToUser(init);
      return;
    }
    mountUsual(init);
    mountHostDirectories(init, plan.mounts);
    // A machine on a view of the host changes nothing there, unless the command line says what it may reach: the options of
    // `uml run`, or hostfs=.
    kernel.params.hostfsSealed = plan.forProgram || !kernel.params.hostfsGiven;
    this.builtIn = new BuiltInInit(init, surroundings);
    this.builtIn.start(programs, {
      prepare: (task) => this.giveTerminal(task),
      ready: (task) => traps.returnToUser(task),
      ended: (status) => {
        if (plan.forProgram) kernel.exitCode = status;
      },
    });
  }

  private giveTerminal({ process }: Task): void {
    const { tty } = this.consoles;
    if (!this.plan.controllingTerminal || tty === undefined) return;
    tty.attachSession(process.session);
    tty.foreground = process.group;
  }

  private message(message: HostMessage): void {
    if (message.kind === 'window-size') this.consoles.resized();
    else if (message.kind === 'signal') this.signalled(message.signal);
  }

  /** The process that we are got a signal. */
  private signalled(signal: number): void {
    const { kernel, plan } = this;
    const group = plan.forProgram ? this.builtIn?.foreground : undefined;
    if (group !== undefined) {
      sendToGroup(group, kernelInfo(signal));
      return;
    }
    kernel.exitCode = signal === SIGHUP ? SIGNALLED + SIGHUP : INTERRUPTED;
    new KernelThread(kernel, 'shutdown').start(async () => {
      await syncAll(kernel);
      kernel.shutdown ??= { kind: 'power-off' };
    });
  }

  /** The machine has stopped: what is on its way to the host gets there, and the process ends. */
  private end(shutdown: Shutdown): void {
    const { kernel, host, consoles } = this;
    if (shutdown.kind === 'panic') {
      kernel.log.write(0, `---[ end Kernel panic - not syncing: ${shutdown.message} ]---`);
      if (kernel.log.consoles.size === 0) dumpLog(kernel);
    }
    // As UML does: the next prompt of the host's shell begins on a line of its own.
    else if (!this.plan.forProgram) consoles.endLog();
    consoles.stop();
    // Not before: a terminal is raw until then.
    if (this.builtIn?.complaint !== undefined) host.complain(this.builtIn.complaint);
    if (shutdown.kind === 'panic') host.exit('abort');
    else if (shutdown.kind === 'restart' && !kernel.params.noReboot && !this.plan.forProgram)
      host.exit('restart');
    else host.exit(kernel.exitCode);
  }
}
