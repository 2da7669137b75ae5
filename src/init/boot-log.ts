/** The first lines of the kernel's log, as Linux writes them. */
import { text } from '../lib/names.js';
import type { Kernel } from '../kernel/kernel.js';
import { linuxBanner } from '../kernel/version.js';

const PID_MAX_MIN = 301;
const HZ = 100;

/** /proc/cpuinfo of the host gives the value that its kernel has. */
function bogoMips(cpuinfo: string): number | undefined {
  const value = /^bogomips\s*:\s*([0-9.]+)/m.exec(cpuinfo)?.[1];
  return value === undefined ? undefined : Number(value);
}

export function logBeginning(kernel: Kernel): void {
  const { log, params, frames, pids, host } = kernel;
  log.notice(linuxBanner);
  log.notice(`Kernel command line: ${params.commandLine}`);
  for (const [level, line] of params.earlyLog) log.write(level, line);
  const { size } = host.memory;
  log.info(`Memory: ${Math.floor((frames.free * 4096) / 1024)}K/${size / 1024}K available`);
  const { cpuinfo, cpuCount } = host.machine;
  const mips = bogoMips(cpuinfo);
  if (mips !== undefined) {
    // The delay loop's count for a tick, were there one: BogoMIPS are loops a second over 500,000.
    const loops = Math.floor((mips * 500_000) / HZ);
    log.info(
      `Calibrating delay loop (skipped), the host's value.. ${mips.toFixed(2)} BogoMIPS (lpj=${loops})`,
    );
  }
  log.info(`pid_max: default: ${pids.max} minimum: ${PID_MAX_MIN}`);
  log.info(`smp: Brought up 1 node, ${params.cpuCount} CPUs (the host has ${cpuCount})`);
  log.info(`Host: ${text(host.machine.sysname)} ${host.machine.release} ${host.machine.machine}`);
}
