/** sysfs: the kernel's objects as files. So far what programs ask a machine without buses for. sysfs(5). */
import { SYSFS_MAGIC } from '../../uapi/statfs.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Name } from '../../lib/names.js';
import { S_IFBLK, S_IFMT } from '../../uapi/stat.js';
import { majorOf, minorOf } from '../char-dev.js';
import { type Entry, directory, text } from '../kernfs.js';
import { EntrySuperBlock } from '../kernfs-super.js';
import { blockLinks, blockNumbers, deviceTree, platformDevices } from './block.js';
import { FileSystemType, type MountRequest, type SuperBlock } from '../super-block.js';

export class SysFileSystem extends FileSystemType {
  override readonly name = 'sysfs';

  override mount({ kernel }: MountRequest): SuperBlock {
    return new EntrySuperBlock(this, kernel, rootEntries(kernel), SYSFS_MAGIC);
  }
}

function rootEntries(kernel: Kernel): Entry {
  const { cpuCount } = kernel.params;
  const all = cpuCount === 1 ? '0' : `0-${cpuCount - 1}`;
  const cpus: Record<Name, Entry> = {
    online: text(() => `${all}\n`),
    possible: text(() => `${all}\n`),
    present: text(() => `${all}\n`),
    offline: text(() => '\n'),
    kernel_max: text(() => '8191\n'),
  };
  for (let cpu = 0; cpu < cpuCount; cpu++) cpus[`cpu${cpu}`] = cpuDirectory(cpu, all);
  return directory({
    block: blockLinks(kernel, '../', false),
    bus: directory({ platform: directory({ devices: platformDevices(kernel), drivers: directory({}) }) }),
    class: directory({
      tty: ttyClass(kernel),
      net: directory({}),
      block: blockLinks(kernel, '../../', true),
      mem: directory({}),
    }),
    dev: directory({ block: blockNumbers(kernel), char: directory({}) }),
    devices: directory({
      system: directory({
        cpu: directory(cpus),
        node: directory({ online: text(() => '0\n'), node0: nodeDirectory(all) }),
      }),
      platform: deviceTree(kernel, 'platform'),
      virtual: directory({ block: deviceTree(kernel, 'virtual/block') }),
    }),
    firmware: directory({}),
    fs: directory({ cgroup: directory({}) }),
    kernel: directory({
      mm: directory({ transparent_hugepage: directory({ enabled: text(() => 'always madvise [never]\n') }) }),
      uevent_seqnum: text(() => '0\n'),
      profiling: text(() => '0\n'),
    }),
    module: directory({}),
    power: directory({ state: text(() => '\n') }),
  });
}

const cpuDirectory = (cpu: number, all: Name): Entry =>
  directory({
    online: text(() => '1\n'),
    topology: directory({
      core_id: text(() => `${cpu}\n`),
      core_siblings_list: text(() => `${all}\n`),
      physical_package_id: text(() => '0\n'),
      thread_siblings_list: text(() => `${cpu}\n`),
    }),
  });

const nodeDirectory = (all: Name): Entry => directory({ cpulist: text(() => `${all}\n`) });

/** /sys/class/tty: a directory for each terminal node, with its number. */
function ttyClass(kernel: Kernel): Entry {
  const entry = (name: Name): Entry | undefined => {
    const node = kernel.devices.nodes.get(name);
    if (node === undefined || (node.mode & S_IFMT) === S_IFBLK || !/^(tty|console|ptmx)/.test(name))
      return undefined;
    const numbers = `${majorOf(node.rdev)}:${minorOf(node.rdev)}`;
    return directory({
      dev: text(() => `${numbers}\n`),
      uevent: text(() => `MAJOR=${majorOf(node.rdev)}\nMINOR=${minorOf(node.rdev)}\nDEVNAME=${name}\n`),
    });
  };
  return {
    kind: 'directory',
    *list() {
      for (const name of kernel.devices.nodes.keys()) {
        const found = entry(name);
        if (found !== undefined) yield [name, found] as const;
      }
    },
    find: entry,
  };
}
