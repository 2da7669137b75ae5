/** Device numbers and their drivers: which File an open of a device node makes. */
import type { Kernel } from '../kernel/kernel.js';
import type { Name } from '../lib/names.js';
import type { File } from './file.js';
import type { OpenContext } from './inode.js';
import type { Inode } from './inode.js';

/** A character device driver: registers a range of minors of a major. */
export abstract class CharDriver {
  /** As in /proc/devices. */
  abstract readonly name: Name;
  abstract readonly major: number;
  /** First minor and number of minors. */
  abstract readonly minors: readonly [first: number, count: number];
  /** Opens minor `minor`. ENXIO when there is no such device. */
  abstract open(inode: Inode, minor: number, context: OpenContext): File | Promise<File>;
}

/** A block device driver: registers a range of minors of a major. */
export abstract class BlockDriver {
  abstract readonly name: Name;
  abstract readonly major: number;
  abstract readonly minors: readonly [first: number, count: number];
  /** Opens minor `minor` as a file of bytes. ENXIO when there is no such device. */
  abstract open(inode: Inode, minor: number, context: OpenContext): File | Promise<File>;
}

/** A node that devtmpfs shows. */
export interface DeviceNode {
  readonly name: Name;
  /** S_IFCHR or S_IFBLK with permissions. */
  readonly mode: number;
  readonly rdev: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Gets told of nodes that come and go: devtmpfs, sysfs. */
export interface DeviceListener {
  added(node: DeviceNode): void;
  removed(node: DeviceNode): void;
}

/** st_dev and st_rdev encoding: 12 bits of major, 20 of minor, as Linux's new_encode_dev does for stat. */
export const makeDevice = (major: number, minor: number): number =>
  ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
export const majorOf = (device: number): number => (device >>> 8) & 0xfff;
export const minorOf = (device: number): number => (device & 0xff) | ((device >>> 12) & 0xfff00);

const serves = ({ major, minors }: CharDriver | BlockDriver, wanted: number, minor: number): boolean =>
  major === wanted && minor >= minors[0] && minor < minors[0] + minors[1];

export class Devices {
  readonly charDrivers: CharDriver[] = [];
  readonly blockDrivers: BlockDriver[] = [];
  readonly nodes = new Map<Name, DeviceNode>();
  readonly listeners = new Set<DeviceListener>();
  private nextAnonymous = 1;

  constructor(readonly kernel: Kernel) {}

  addCharDriver(driver: CharDriver): void {
    this.charDrivers.push(driver);
  }

  addBlockDriver(driver: BlockDriver): void {
    this.blockDrivers.push(driver);
  }

  findChar(major: number, minor: number): CharDriver | undefined {
    return this.charDrivers.find((driver) => serves(driver, major, minor));
  }

  findBlock(major: number, minor: number): BlockDriver | undefined {
    return this.blockDrivers.find((driver) => serves(driver, major, minor));
  }

  addNode(node: DeviceNode): void {
    this.nodes.set(node.name, node);
    for (const listener of this.listeners) listener.added(node);
  }

  removeNode(name: Name): void {
    const node = this.nodes.get(name);
    if (node === undefined) return;
    this.nodes.delete(name);
    for (const listener of this.listeners) listener.removed(node);
  }

  /** A device number for a file system without a device: 0:N. */
  anonymous(): number {
    return makeDevice(0, this.nextAnonymous++);
  }
}
