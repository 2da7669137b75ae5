/**
 * Block devices in sysfs: /sys/block, /sys/class/block and /sys/dev/block lead to where a device really is, below
 * /sys/devices. Linux: block/genhd.c, block/partitions/core.c, block/blk-sysfs.c; Documentation/ABI/stable/sysfs-block.
 */
import { type Disk, type DiskGroup, SECTOR_SIZE } from '../../block/device.js';
import { Partition } from '../../block/partition.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Name } from '../../lib/names.js';
import { type Entry, directory, link, text } from '../kernfs.js';

/** A directory whose entries are found anew each time. */
function changing(entries: () => Map<Name, Entry>): Entry {
  return { kind: 'directory', mode: 0o555, list: () => entries(), find: (name) => entries().get(name) };
}

function entriesOf(
  disks: Iterable<Disk>,
  make: (disk: Disk) => readonly [Name, Entry] | undefined,
): Map<Name, Entry> {
  const map = new Map<Name, Entry>();
  for (const disk of disks) {
    const made = make(disk);
    if (made !== undefined) map.set(made[0], made[1]);
  }
  return map;
}

/** Below /sys/devices. */
const placeOf = (disk: Disk): Name =>
  disk.whole === disk
    ? `${disk.parent}/${disk.name}`
    : `${disk.whole.parent}/${disk.whole.name}/${disk.name}`;

/** /sys/block: whole devices. `up` leads to /sys. */
export const blockLinks = (kernel: Kernel, up: Name, parts: boolean): Entry =>
  changing(() =>
    entriesOf(kernel.disks, (disk) =>
      parts || disk.whole === disk ? [disk.name, link(() => `${up}devices/${placeOf(disk)}`)] : undefined,
    ),
  );

/** /sys/dev/block: by number. */
export const blockNumbers = (kernel: Kernel): Entry =>
  changing(() =>
    entriesOf(kernel.disks, (disk) => [
      `${disk.major}:${disk.minor}`,
      link(() => `../../devices/${placeOf(disk)}`),
    ]),
  );

const firstPart = (path: Name): Name => path.split('/')[0];

/** /sys/devices/KIND: a directory for each name on the way to a device. `kind` as in Disk.parent: 'platform', 'virtual'. */
export function deviceTree(kernel: Kernel, kind: Name): Entry {
  return changing(() => below(kernel, `${kind}/`));
}

function below(kernel: Kernel, prefix: Name): Map<Name, Entry> {
  const map = new Map<Name, Entry>();
  for (const disk of kernel.disks) {
    const place = placeOf(disk);
    if (disk.whole !== disk || !place.startsWith(prefix)) continue;
    const rest = place.slice(prefix.length);
    const name = firstPart(rest);
    const deeper = `${prefix}${name}/`;
    map.set(name, rest === name ? diskDirectory(disk) : changing(() => below(kernel, deeper)));
  }
  return map;
}

/** /sys/bus/platform/devices. */
export const platformDevices = (kernel: Kernel): Entry =>
  changing(() =>
    entriesOf(kernel.disks, ({ parent }) => {
      const [kind, name] = parent.split('/');
      return kind === 'platform' ? [name, link(() => `../../../devices/platform/${name}`)] : undefined;
    }),
  );

const line = (show: () => Name | number): Entry => text(() => `${show()}\n`);

/** What whole devices and partitions have in common. */
function common(disk: Disk): Record<Name, Entry> {
  const { statistics } = disk;
  return {
    dev: line(() => `${disk.major}:${disk.minor}`),
    size: line(() => disk.size / SECTOR_SIZE),
    ro: line(() => (disk.readOnly ? 1 : 0)),
    alignment_offset: line(() => 0),
    discard_alignment: line(() => 0),
    inflight: text(() => '       0        0\n'),
    holders: directory({}),
    stat: text(
      () =>
        [
          [statistics.reads, 0, statistics.sectorsRead, 0],
          [statistics.writes, 0, statistics.sectorsWritten, 0],
          [0, 0, 0],
          [statistics.discards, 0, statistics.sectorsDiscarded, 0],
          [statistics.flushes, 0],
        ]
          .flat()
          .map((number) => String(number).padStart(8))
          .join(' ') + '\n',
    ),
    subsystem: link(() => '../'.repeat(placeOf(disk).split('/').length + 1) + 'class/block'),
  };
}

function uevent(disk: Disk, type: Name, more = ''): Entry {
  return text(
    () => `MAJOR=${disk.major}\nMINOR=${disk.minor}\nDEVNAME=${disk.name}\nDEVTYPE=${type}\n${more}`,
  );
}

function diskDirectory(disk: Disk): Entry {
  const fixed: Record<Name, Entry> = {
    ...common(disk),
    uevent: uevent(disk, 'disk'),
    removable: line(() => 0),
    hidden: line(() => 0),
    range: line(() => 16),
    ext_range: line(() => 16),
    capability: line(() => 0),
    queue: queueDirectory(disk),
    slaves: directory({}),
  };
  // Without a newline, as UML has it.
  if (disk.serial !== undefined) fixed.serial = text(() => disk.serial ?? '');
  if (disk.parent.startsWith('platform/')) fixed.device = link(() => '../..');
  const shown = changing(() => {
    const map = new Map(Object.entries(fixed));
    if (disk.group !== undefined) map.set(disk.group.name, groupDirectory(disk, disk.group));
    for (const part of disk.partitions)
      if (part instanceof Partition) map.set(part.name, partDirectory(part));
    return map;
  });
  return { ...shown, alive: () => disk.kernel.disks.find(disk.rdev) === disk };
}

/** What it says changes as a whole. */
function groupDirectory(disk: Disk, { name, files }: DiskGroup): Entry {
  const alive = (): boolean => disk.group?.name === name;
  const entries = Object.keys(files).map((key) => [key, line(() => disk.group?.files[key] ?? '')] as const);
  return { ...directory(Object.fromEntries(entries)), alive };
}

function partDirectory(part: Partition): Entry {
  const { entry, number } = part;
  const label = entry.label === undefined || entry.label === '' ? '' : `PARTNAME=${entry.label}\n`;
  const entries = directory({
    ...common(part),
    uevent: uevent(part, 'partition', `PARTN=${number}\nPARTUUID=${entry.uuid}\n${label}`),
    partition: line(() => number),
    start: line(() => part.start / SECTOR_SIZE),
  });
  return { ...entries, alive: () => part.whole.partitions.includes(part) };
}

function queueDirectory(disk: Disk): Entry {
  return directory({
    logical_block_size: line(() => SECTOR_SIZE),
    physical_block_size: line(() => SECTOR_SIZE),
    hw_sector_size: line(() => SECTOR_SIZE),
    minimum_io_size: line(() => SECTOR_SIZE),
    optimal_io_size: line(() => 0),
    rotational: line(() => 0),
    discard_granularity: line(() => (disk.maxDiscard === 0 ? 0 : SECTOR_SIZE)),
    discard_max_bytes: line(() => disk.maxDiscard),
    discard_max_hw_bytes: line(() => disk.maxDiscard),
    discard_zeroes_data: line(() => 0),
    write_zeroes_max_bytes: line(() => disk.maxDiscard),
    max_hw_sectors_kb: line(() => 32),
    max_sectors_kb: line(() => 32),
    max_segments: line(() => 64),
    nr_requests: line(() => 64),
    read_ahead_kb: line(() => 128),
    scheduler: line(() => '[none]'),
    write_cache: line(() => 'write back'),
    fua: line(() => 0),
    iostats: line(() => 1),
    nomerges: line(() => 0),
    zoned: line(() => 'none'),
    dax: line(() => 0),
  });
}
