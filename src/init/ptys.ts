/** Joins devpts and the terminals: file systems and drivers do not know each other, and meet here. */
import type { OpenContext } from '../fs/inode.js';
import { DevptsFileSystem, type DevptsSuperBlock, type PtyPairs } from '../fs/devpts/devpts.js';
import { PtyTable } from '../drivers/tty/pty.js';
import { openTty } from '../drivers/tty/table.js';

/** The pairs of an instance of devpts. */
class InstancePairs implements PtyPairs {
  readonly table: PtyTable;

  constructor(instance: DevptsSuperBlock) {
    this.table = new PtyTable(instance.kernel, {
      slaveAdded: ({ index }, task) => instance.addSlave(index, task),
      slaveRemoved: ({ index }) => instance.removeSlave(index),
    });
    this.table.max = instance.options.max;
    this.table.setPeerOpener((task, { index, slave }, flags) => {
      const [mount] = instance.mounts;
      return instance.openSlave(task, mount, index, flags, (inode, context) =>
        openTty(slave, inode, context),
      );
    });
  }

  get indices(): Iterable<number> {
    return this.table.indices();
  }
}

/** The devpts file system type of one kernel. */
export const makeDevpts = (): DevptsFileSystem =>
  new DevptsFileSystem((instance) => new InstancePairs(instance));

/** The pairs that an open of /dev/ptmx or of a slave's node is about. */
export function ptysFor(devpts: DevptsFileSystem, context: OpenContext): PtyTable | undefined {
  const { pairs } = devpts.instanceFor(context);
  return pairs instanceof InstancePairs ? pairs.table : undefined;
}
