/** root=: from a name to the number of a block device. Linux: name_to_dev_t(), init/do_mounts.c. */
import { Partition } from '../block/partition.js';
import { ubdName } from '../drivers/block/ubd/ubd-disk.js';
import type { Kernel } from '../kernel/kernel.js';
import { memparse } from '../lib/cmdline.js';
import type { Name } from '../lib/names.js';
import { makedev } from '../uapi/major.js';

/** A device number, whether or not there is such a device; 0 when the name means none. */
export function rootDeviceNumber({ disks }: Kernel, name: Name): number {
  if (name.startsWith('/dev/')) return disks.findNamed(diskName(name.slice('/dev/'.length)))?.rdev ?? 0;
  for (const [prefix, key] of [
    ['PARTUUID=', 'uuid'],
    ['PARTLABEL=', 'label'],
  ] as const)
    if (name.startsWith(prefix)) return partitionWith(disks, key, name.slice(prefix.length))?.rdev ?? 0;
  const numbers = /^([0-9]+):([0-9]+)$/.exec(name);
  if (numbers !== null) return makedev(Number(numbers[1]), Number(numbers[2]));
  // Hexadecimal, major and minor as one number.
  if (!/^[0-9a-fA-F]+$/.test(name)) return disks.findNamed(name)?.rdev ?? 0;
  return memparse(`0x${name}`).value >>> 0;
}

function partitionWith(disks: Kernel['disks'], key: 'uuid' | 'label', value: Name): Partition | undefined {
  const wanted = key === 'uuid' ? value.toLowerCase() : value;
  for (const disk of disks) if (disk instanceof Partition && disk.entry[key] === wanted) return disk;
  return undefined;
}

/** /dev/ubd/0 and /dev/ubd0 are the names of devfs's times for /dev/ubda. */
function diskName(name: Name): Name {
  const old = /^ubd\/?(?:disc)?([0-9]+)$/.exec(name);
  const unit = old === null ? 16 : Number(old[1]);
  return unit < 16 ? ubdName(unit) : name.replaceAll('/', '!');
}
