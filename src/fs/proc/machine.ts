/** Files of /proc that tell of the whole machine: cpuinfo, stat, uptime, meminfo, ... proc(5). */
import { processCpuTime } from '../../kernel/cputime.js';
import type { Kernel } from '../../kernel/kernel.js';
import { UTS_RELEASE, UTS_VERSION, linuxBanner } from '../../kernel/version.js';
import type { Name } from '../../lib/names.js';
import { majorOf, minorOf } from '../char-dev.js';
import { buddyInfo, memInfo, vmStat } from '../../mm/proc-meminfo.js';
import { EINVAL } from '../../uapi/errno.js';
import { type Entry, directory, text } from '../kernfs.js';
import { diskStats, partitions } from './disks.js';
import { kmsgEntry } from './kmsg.js';

const TICK = 10_000_000;

export function machineEntries(kernel: Kernel): Record<Name, Entry> {
  return {
    cmdline: text(() => `${kernel.params.commandLine}\n`),
    consoles: text(() => consoles(kernel)),
    cpuinfo: text(() => cpuInfo(kernel)),
    devices: text(() => devices(kernel)),
    buddyinfo: text(() => buddyInfo(kernel.memory)),
    exitcode: {
      kind: 'text',
      mode: 0o644,
      show: () => `${kernel.exitCode}\n`,
      write: (_task, value) => setExitCode(kernel, value),
    },
    filesystems: text(() => fileSystems(kernel)),
    interrupts: text(() => interrupts(kernel)),
    kmsg: kmsgEntry(kernel),
    loadavg: text(() => loadAverage(kernel)),
    locks: text(() => kernel.locks.show()),
    meminfo: text(() => memInfo(kernel.memory)),
    misc: text(() => ''),
    modules: text(() => ''),
    partitions: text(() => partitions(kernel)),
    diskstats: text(() => diskStats(kernel)),
    stat: text(() => stat(kernel)),
    swaps: text(() => 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'),
    'sysrq-trigger': {
      kind: 'text',
      mode: 0o200,
      show: () => '',
      write: (_task, keys) => sysRq(kernel, keys),
    },
    uptime: text(() => upTime(kernel)),
    version: text(() => `${linuxBanner}\n`),
    vmstat: text(() => vmStat(kernel.memory)),
    tty: directory({
      drivers: text(
        () =>
          '/dev/tty             /dev/tty        5       0 system:/dev/tty\n' +
          '/dev/console         /dev/console    5       1 system:console\n' +
          '/dev/ptmx            /dev/ptmx       5       2 system\n' +
          'UML console          /dev/tty        4    0-15 console\n' +
          'pty_slave            /dev/pts      136 0-1048575 pty:slave\n' +
          'pty_master           /dev/ptm      128 0-1048575 pty:master\n',
      ),
      ldiscs: text(() => 'n_tty       0\n'),
    }),
    version_signature: text(() => `${UTS_RELEASE} ${UTS_VERSION}\n`),
  };
}

/** One paragraph for each CPU shown: the host's own, so that programs find the features that they will run with. */
/** /proc/consoles: E enabled, C is /dev/console, which the last one is, p prints the log. */
function consoles({ log }: Kernel): string {
  const terminals = [...log.consoles].flatMap(({ terminal }) => terminal ?? []);
  const lines = terminals.map(({ name, rdev }, index) => {
    const flags = index === terminals.length - 1 ? 'EC  p  ' : 'E   p  ';
    return `${name.padEnd(21)}-WU (${flags})${String(majorOf(rdev)).padStart(5)}:${minorOf(rdev)}\n`;
  });
  return lines.join('');
}

function cpuInfo(kernel: Kernel): Name {
  const paragraph = kernel.host.machine.cpuinfo.trimEnd();
  let all = '';
  for (let cpu = 0; cpu < kernel.params.cpuCount; cpu++)
    all += `${paragraph.replace(/^(processor\s*: ).*$/m, `$1${cpu}`).replace(/^(siblings\s*: |cpu cores\s*: ).*$/gm, `$1${kernel.params.cpuCount}`)}\n\n`;
  return all;
}

function devices(kernel: Kernel): Name {
  const lines = kernel.devices.charDrivers
    .map(({ major, name }) => ({ major, name }))
    .sort((a, b) => a.major - b.major)
    .map(driverLine);
  const blocks = kernel.devices.blockDrivers.toSorted((a, b) => a.major - b.major).map(driverLine);
  return `Character devices:\n${[...new Set(lines)].join('')}\nBlock devices:\n${blocks.join('')}`;
}

const driverLine = ({ major, name }: { readonly major: number; readonly name: Name }): Name =>
  `${String(major).padStart(3)} ${name}\n`;

function setExitCode(kernel: Kernel, value: Name): void {
  const number = Number(value.trim());
  if (value.trim() === '' || !Number.isInteger(number)) throw EINVAL;
  kernel.exitCode = number & 0xff;
}

function fileSystems(kernel: Kernel): Name {
  return kernel.config.fileSystems
    .map(({ needsDevice, name }) => `${needsDevice ? '' : 'nodev'}\t${name}\n`)
    .join('');
}

function interrupts(kernel: Kernel): Name {
  const cpus = Array.from({ length: kernel.params.cpuCount }, (_, cpu) => `CPU${cpu}`.padStart(11)).join('');
  return `   ${cpus}       \n`;
}

function runnable(kernel: Kernel): number {
  let count = 0;
  for (const task of kernel.pids.tasks.values()) if (task.state === 'user') count++;
  return count;
}

function loadAverage(kernel: Kernel): Name {
  const [one, five, fifteen] = kernel.loadAverages;
  return `${one.toFixed(2)} ${five.toFixed(2)} ${fifteen.toFixed(2)} ${runnable(kernel)}/${kernel.pids.tasks.size} ${kernel.pids.lastAllocated}\n`;
}

function usedCpu(kernel: Kernel): number {
  let sum = kernel.reapedCpuNs;
  for (const process of kernel.pids.processes.values()) sum += processCpuTime(process);
  return sum;
}

function stat(kernel: Kernel): Name {
  const cpus = kernel.params.cpuCount;
  const up = kernel.host.clock.now();
  const user = Math.floor(usedCpu(kernel) / TICK);
  const idle = Math.max(0, Math.floor((up * cpus) / TICK) - user);
  const real = kernel.host.clock.read(0);
  const boot = Math.floor(real.sec + real.nsec / 1e9 - up / 1e9);
  let lines = `cpu  ${user} 0 0 ${idle} 0 0 0 0 0 0\n`;
  for (let cpu = 0; cpu < cpus; cpu++)
    lines += `cpu${cpu} ${Math.floor(user / cpus)} 0 0 ${Math.floor(idle / cpus)} 0 0 0 0 0 0\n`;
  return (
    `${lines}intr 0\nctxt 0\nbtime ${boot}\nprocesses ${kernel.forks}\n` +
    `procs_running ${runnable(kernel)}\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n`
  );
}

function upTime(kernel: Kernel): Name {
  const up = kernel.host.clock.now();
  const idle = Math.max(0, up * kernel.params.cpuCount - usedCpu(kernel));
  return `${(up / 1e9).toFixed(2)} ${(idle / 1e9).toFixed(2)}\n`;
}

/** The keys of SysRq that need no console: sysrq.rst. */
function sysRq(kernel: Kernel, keys: Name): void {
  switch (keys[0]) {
    case 'b':
      kernel.log.info('sysrq: Resetting');
      kernel.shutdown ??= { kind: 'restart', command: '' };
      break;
    case 'o':
      kernel.log.info('sysrq: Power Off');
      kernel.shutdown ??= { kind: 'power-off' };
      break;
    case 'c':
      kernel.log.info('sysrq: Trigger a crash');
      kernel.shutdown ??= { kind: 'panic', message: 'sysrq triggered crash' };
      break;
    default:
      kernel.log.info('sysrq: HELP : reboot(b) crash(c) poweroff(o)');
  }
}
