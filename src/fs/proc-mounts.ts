/** The mounts of a task's namespace as /proc/PID/mounts, mountinfo and mountstats show them: proc(5). */
import type { Task } from '../kernel/task.js';
import type { Name } from '../lib/names.js';
import {
  MS_MANDLOCK,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
} from '../uapi/mount.js';
import { majorOf, minorOf } from './char-dev.js';
import { dentryPath, pathName } from './dcache.js';
import type { Mount } from './mount.js';

/** Blanks and backslashes would break the fields apart: octal instead. */
const escape = (name: Name): Name =>
  name.replace(/[ \t\n\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);

const optionNames: readonly (readonly [number, Name])[] = [
  [MS_MANDLOCK, 'mand'],
  [MS_NOSUID, 'nosuid'],
  [MS_NODEV, 'nodev'],
  [MS_NOEXEC, 'noexec'],
  [MS_NOATIME, 'noatime'],
  [MS_NODIRATIME, 'nodiratime'],
  [MS_RELATIME, 'relatime'],
  [MS_NOSYMFOLLOW, 'nosymfollow'],
];

function mountOptions(mount: Mount): Name {
  const names = optionNames.filter(([flag]) => (mount.flags & flag) !== 0).map(([, name]) => name);
  return [(mount.flags & MS_RDONLY) !== 0 ? 'ro' : 'rw', ...names].join(',');
}

function superOptions({ superBlock }: Mount): Name {
  const own = superBlock.showOptions();
  return (superBlock.readOnly ? 'ro' : 'rw') + (own === '' ? '' : `,${own}`);
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
    const own = mount.superBlock.showOptions();
    const first = mountOptions(mount);
    const readOnly = mount.superBlock.readOnly ? first.replace(/^rw/, 'ro') : first;
    text += `${escape(mount.source)} ${escape(place)} ${mount.superBlock.type.name} ${readOnly}${own === '' ? '' : `,${own}`} 0 0\n`;
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
      ` - ${type.name} ${escape(mount.source)} ${superOptions(mount)}\n`;
  }
  return text;
}

export function mountStats(task: Task): Name {
  let text = '';
  for (const [mount, place] of visible(task))
    text += `device ${escape(mount.source)} mounted on ${escape(place)} with fstype ${mount.superBlock.type.name}\n`;
  return text;
}
