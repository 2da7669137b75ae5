/** The mounts of a task's namespace as /proc/PID/mounts, mountinfo and mountstats show them: proc(5). */
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import {
  MS_DIRSYNC,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
  MS_SYNCHRONOUS,
} from '../uapi/mount.js';
import { majorOf, minorOf } from './char-dev.js';
import { dentryPath, pathName } from './dcache.js';
import type { Mount, PeerGroup } from './mount.js';
import { isReadOnly } from './permission.js';
import type { SuperBlock } from './super-block.js';

/** Blanks and backslashes would break the fields apart: octal instead. */
const escape = (name: Name): Name =>
  name.replace(/[ \t\n\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);

/** Of the file system, not of one mount. */
const superOptionNames: readonly (readonly [number, Name])[] = [
  [MS_SYNCHRONOUS, 'sync'],
  [MS_DIRSYNC, 'dirsync'],
  [MS_MANDLOCK, 'mand'],
  [MS_LAZYTIME, 'lazytime'],
];

const optionNames: readonly (readonly [number, Name])[] = [
  [MS_NOSUID, 'nosuid'],
  [MS_NODEV, 'nodev'],
  [MS_NOEXEC, 'noexec'],
  [MS_NOATIME, 'noatime'],
  [MS_NODIRATIME, 'nodiratime'],
  [MS_RELATIME, 'relatime'],
  [MS_NOSYMFOLLOW, 'nosymfollow'],
];

const mountNames = ({ flags }: Mount): Name[] =>
  optionNames.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);

const mountOptions = (mount: Mount): Name =>
  [(mount.flags & MS_RDONLY) !== 0 ? 'ro' : 'rw', ...mountNames(mount)].join(',');

const superNames = ({ flags }: SuperBlock): Name[] =>
  superOptionNames.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);

function ownOptions(superBlock: SuperBlock): Name[] {
  const own = superBlock.showOptions();
  return own === '' ? [] : [own];
}

function superOptions({ superBlock }: Mount): Name {
  return [superBlock.readOnly ? 'ro' : 'rw', ...superNames(superBlock), ...ownOptions(superBlock)].join(',');
}

/** The tags of a mount that is not private: mount_namespaces(7). */
function propagation(task: Task, mount: Mount): Name {
  const { peers, master, unbindable } = mount;
  let tags = peers === undefined ? '' : ` shared:${peers.id}`;
  if (master !== undefined) {
    tags += ` master:${master.id}`;
    const near = nearestMaster(task, mount);
    if (near !== undefined && near !== master) tags += ` propagate_from:${near.id}`;
  }
  return unbindable ? `${tags} unbindable` : tags;
}

/** The nearest group that a mount gets mounts from, of which the task can see a member. */
function nearestMaster(task: Task, mount: Mount): PeerGroup | undefined {
  const { root, mount: own } = { root: task.fs.root, mount: task.namespaces.mount };
  let group = mount.master;
  while (group !== undefined) {
    const members: Mount[] = [...group.members];
    const seen = members.some(
      (member) =>
        member.namespace === own &&
        pathName({ mount: member, dentry: member.root }, root).reach === 'reached',
    );
    if (seen) return group;
    group = members.at(0)?.master;
  }
  return undefined;
}

/** The mounts that the task can see from its root, with the place of each. */
function* visible(task: Task): IterableIterator<readonly [Mount, Name]> {
  const { root } = task.fs;
  for (const mount of task.namespaces.mount.mounts) {
    const { name, reach } = pathName({ mount, dentry: mount.root }, root);
    if (reach === 'reached') yield [mount, name];
  }
}

export function mountsText(task: Task): Name {
  let text = '';
  for (const [mount, place] of visible(task)) {
    const { superBlock } = mount;
    const access = isReadOnly(mount) ? 'ro' : 'rw';
    const options = [access, ...superNames(superBlock), ...mountNames(mount), ...ownOptions(superBlock)];
    text += `${escape(mount.source)} ${escape(place)} ${superBlock.type.name} ${options.join(',')} 0 0\n`;
  }
  return text;
}

export function mountInfo(task: Task): Name {
  let text = '';
  for (const [mount, place] of visible(task)) {
    const { dev, type } = mount.superBlock;
    const device = `${majorOf(dev)}:${minorOf(dev)}`;
    const parent = mount.parent?.id ?? mount.id;
    text +=
      `${mount.id} ${parent} ${device} ${escape(dentryPath(mount.root))} ${escape(place)} ${mountOptions(mount)}` +
      `${propagation(task, mount)} - ${type.name} ${escape(mount.source)} ${superOptions(mount)}\n`;
  }
  return text;
}

export function mountStats(task: Task): Name {
  let text = '';
  for (const [mount, place] of visible(task))
    text += `device ${escape(mount.source)} mounted on ${escape(place)} with fstype ${mount.superBlock.type.name}\n`;
  return text;
}
