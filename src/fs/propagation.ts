/**
 * Shared, slave and private mounts: mount_namespaces(7), "Shared subtrees". What is mounted or unmounted under one mount of
 * a peer group happens under all of them, and under the slaves of the group. Linux's pnode.c.
 */
import type { Kernel } from '../kernel/kernel.js';
import { type Mount, PeerGroup } from './mount.js';

/** MS_SHARED: gives a mount a peer group, if it has none. */
export function makeShared(mount: Mount): void {
  if (mount.peers !== undefined) return;
  joinGroup(mount, newGroup(mount.superBlock.kernel));
  mount.unbindable = false;
}

export const newGroup = (kernel: Kernel): PeerGroup => new PeerGroup(++kernel.lastPeerGroupId);

export function joinGroup(mount: Mount, group: PeerGroup | undefined): void {
  mount.peers = group;
  group?.members.add(mount);
}

export function setMaster(mount: Mount, master: PeerGroup | undefined): void {
  mount.master?.slaves.delete(mount);
  mount.master = master;
  master?.slaves.add(mount);
}

/** MS_SLAVE: leaves its group and gets mounts from what is left of it. A mount that was not shared stays as it is. */
export function makeSlave(mount: Mount): void {
  const group = mount.peers;
  if (group === undefined) return;
  group.members.delete(mount);
  mount.peers = undefined;
  if (group.members.size > 0) {
    setMaster(mount, group);
    return;
  }
  // The group is gone: its slaves turn to what it was itself a slave of.
  for (const slave of group.slaves) setMaster(slave, mount.master);
}

/** MS_PRIVATE; MS_UNBINDABLE is that and may not be bound, either. */
export function makePrivate(mount: Mount, unbindable: boolean): void {
  makeSlave(mount);
  setMaster(mount, undefined);
  mount.unbindable = unbindable;
}

/** A mount is gone for good, or about to be. */
export const leaveGroups = (mount: Mount): void => makePrivate(mount, mount.unbindable);

/** Mounts that get what happens under some mount, all in the same relation to it. */
export interface Receivers {
  readonly mounts: readonly Mount[];
  /** They are peers of the mount itself; else slaves, of the mounts in `of`. */
  readonly of: Receivers | undefined;
  /** The group that they are, if they are one. */
  readonly group: PeerGroup | undefined;
}

/** Who gets what happens under `mount`, masters before their slaves. */
export function receivers(mount: Mount): Receivers[] {
  const { peers } = mount;
  if (peers === undefined) return [];
  const first: Receivers = {
    mounts: [...peers.members].filter((member) => member !== mount),
    of: undefined,
    group: peers,
  };
  const found = [first];
  collectSlaves(peers, first, found);
  return found;
}

function collectSlaves(group: PeerGroup, of: Receivers, found: Receivers[]): void {
  const seen = new Set<PeerGroup>();
  for (const slave of group.slaves) {
    const own = slave.peers;
    if (own === undefined) found.push({ mounts: [slave], of, group: undefined });
    else if (!seen.has(own)) {
      seen.add(own);
      const next: Receivers = { mounts: [...own.members], of, group: own };
      found.push(next);
      collectSlaves(own, next, found);
    }
  }
}
