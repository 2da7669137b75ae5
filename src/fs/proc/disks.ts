/** /proc/partitions and /proc/diskstats: proc(5), Documentation/admin-guide/iostats.rst. */
import type { Disk } from '../../block/device.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Name } from '../../lib/names.js';

export function partitions({ disks }: Kernel): Name {
  let text = 'major minor  #blocks  name\n\n';
  for (const { major, minor, size, name } of disks) {
    // Loop devices that show nothing.
    if (size === 0) continue;
    const kib = Math.floor(size / 1024);
    text += `${String(major).padStart(4)}  ${String(minor).padStart(7)} ${String(kib).padStart(10)} ${name}\n`;
  }
  return text;
}

export function diskStats({ disks }: Kernel): Name {
  let text = '';
  for (const disk of disks)
    text += `${String(disk.major).padStart(4)} ${String(disk.minor).padStart(7)} ${disk.name} ${statisticsOf(disk).join(' ')}\n`;
  return text;
}

/** The columns of diskstats after the name, and of /sys/block/NAME/stat. Requests take no time that could be measured. */
export function statisticsOf({ statistics: s }: Disk): number[] {
  const reads = [s.reads, 0, s.sectorsRead, 0];
  const writes = [s.writes, 0, s.sectorsWritten, 0];
  const discards = [s.discards, 0, s.sectorsDiscarded, 0];
  return [...reads, ...writes, 0, 0, 0, ...discards, s.flushes, 0];
}
