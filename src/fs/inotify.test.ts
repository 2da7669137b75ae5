import { expect, test } from 'vitest';
import { nameFromBytes } from '../lib/names.js';
import { AT_FDCWD, O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from '../uapi/fcntl.js';
import {
  IN_ALL_EVENTS,
  IN_CREATE,
  IN_DELETE_SELF,
  IN_EXCL_UNLINK,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_MODIFY,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_NONBLOCK,
  IN_ONESHOT,
  IN_ONLYDIR,
  IN_OPEN,
  IN_Q_OVERFLOW,
  inotifyWatchFlags,
  inotify_event,
} from '../uapi/inotify.js';
import { FlagSet } from '../lib/flags.js';
import { RENAME_EXCHANGE } from '../uapi/fs.js';
import { FIONREAD } from '../uapi/ioctls.js';
import { sys_chmod } from './chmod.js';
import { sys_link, sys_mkdir } from './create.js';
import { sys_close } from './file-calls.js';
import { sys_inotify_add_watch, sys_inotify_init1, sys_inotify_rm_watch } from './inotify.js';
import { sys_ioctl } from './ioctl.js';
import { sys_open } from './open.js';
import { sys_read, sys_write } from './read-write.js';
import { sys_rmdir, sys_unlink } from './remove.js';
import { sys_rename, sys_renameat2 } from './rename.js';
import { TreeMachine } from './testing-tree.js';
import { USER } from './testing.js';

const BUFFER = USER + 0x40000;
const names = new FlagSet({ IN_IGNORED: 0x8000, IN_ISDIR: 0x4000_0000, IN_Q_OVERFLOW, IN_UNMOUNT: 0x2000 });

function setUp() {
  const machine = new TreeMachine();
  const { task } = machine;
  const sys = machine.sys.bind(machine);
  sys(sys_mkdir, '/d', 0o755);
  expect(sys(sys_inotify_init1, IN_NONBLOCK)).toBe(0);
  const watch = (path: string, mask: number) => sys(sys_inotify_add_watch, 0, path, mask);
  const touch = (path: string) => sys(sys_close, sys(sys_open, path, O_CREAT | O_WRONLY, 0o644));
  /** Each event as 'wd mask cookie? name'. */
  const events = (room = 0x10000): string[] | string => {
    const count = sys(sys_read, 0, BUFFER, room);
    if (typeof count !== 'number') return count;
    const bytes = machine.memory(task).copyIn(BUFFER, count);
    const shown: string[] = [];
    for (let at = 0; at < count;) {
      const { wd, mask, cookie, len } = inotify_event.decode(bytes.subarray(at));
      const name = nameFromBytes(bytes, at + 16, at + 16 + len).replace(/\0+$/, '');
      const own = mask & inotifyWatchFlags.mask & IN_ALL_EVENTS;
      const parts = [own, mask & ~own]
        .map((part, index) => (part === 0 ? '' : (index === 0 ? inotifyWatchFlags : names).format(part)))
        .filter((part) => part !== '');
      shown.push(
        `${wd} ${parts.join('|')}${cookie === 0 ? '' : ` #${cookie}`}${name === '' ? '' : ` ${name}`}`,
      );
      at += inotify_event.size + len;
    }
    return shown;
  };
  return { machine, task, sys, watch, touch, events };
}

test('a directory hears of what happens in it', () => {
  const { sys, watch, touch, events } = setUp();
  expect(watch('/d', IN_ALL_EVENTS)).toBe(1);
  touch('/d/f');
  sys(sys_chmod, '/d/f', 0o600);
  const fd = sys(sys_open, '/d/f', O_RDWR, 0);
  sys(sys_write, fd, BUFFER, 3);
  sys(sys_read, fd, BUFFER, 3);
  sys(sys_close, fd);
  sys(sys_mkdir, '/d/sub', 0o755);
  sys(sys_rmdir, '/d/sub');
  sys(sys_unlink, '/d/f');
  expect(events()).toEqual([
    '1 IN_CREATE f',
    '1 IN_OPEN f',
    '1 IN_CLOSE_WRITE f',
    '1 IN_ATTRIB f',
    '1 IN_OPEN f',
    '1 IN_MODIFY f',
    '1 IN_CLOSE_WRITE f',
    '1 IN_CREATE|IN_ISDIR sub',
    '1 IN_DELETE|IN_ISDIR sub',
    '1 IN_DELETE f',
  ]);
  expect(events()).toBe('EAGAIN');
});

test('a watched file that is deleted tells so, and its watch ends', () => {
  const { sys, watch, touch, events } = setUp();
  touch('/d/f');
  watch('/d/f', IN_ALL_EVENTS);
  sys(sys_unlink, '/d/f');
  expect(events()).toEqual(['1 IN_ATTRIB', '1 IN_DELETE_SELF', '1 IN_IGNORED']);
  expect(sys(sys_inotify_rm_watch, 0, 1)).toBe('EINVAL');
});

test('a deleted file that is open ends with its last descriptor', () => {
  const { sys, watch, touch, events } = setUp();
  touch('/d/f');
  const fd = sys(sys_open, '/d/f', O_RDONLY, 0);
  watch('/d/f', IN_DELETE_SELF);
  sys(sys_unlink, '/d/f');
  expect(events()).toBe('EAGAIN');
  sys(sys_close, fd);
  expect(events()).toEqual(['1 IN_DELETE_SELF', '1 IN_IGNORED']);
});

test('the two halves of a move have one cookie', () => {
  const { sys, watch, touch, events } = setUp();
  sys(sys_mkdir, '/e', 0o755);
  touch('/d/f');
  watch('/d', IN_ALL_EVENTS);
  watch('/e', IN_ALL_EVENTS);
  watch('/d/f', IN_ALL_EVENTS);
  sys(sys_rename, '/d/f', '/e/g');
  expect(events()).toEqual(['1 IN_MOVED_FROM #1 f', '2 IN_MOVED_TO #1 g', '3 IN_MOVE_SELF']);
});

test('what a move replaces is told last', () => {
  const { sys, watch, touch, events } = setUp();
  touch('/d/f');
  touch('/d/g');
  watch('/d', IN_ALL_EVENTS);
  watch('/d/g', IN_ALL_EVENTS);
  sys(sys_rename, '/d/f', '/d/g');
  expect(events()).toEqual([
    '1 IN_MOVED_FROM #1 f',
    '1 IN_MOVED_TO #1 g',
    '2 IN_ATTRIB',
    '2 IN_DELETE_SELF',
    '2 IN_IGNORED',
  ]);
});

test('an exchange is two moves', () => {
  const { sys, watch, touch, events } = setUp();
  touch('/d/a');
  touch('/d/b');
  watch('/d', IN_MOVED_FROM | IN_MOVED_TO);
  sys(sys_renameat2, AT_FDCWD, '/d/a', AT_FDCWD, '/d/b', RENAME_EXCHANGE);
  expect(events()).toEqual([
    '1 IN_MOVED_FROM #1 a',
    '1 IN_MOVED_TO #1 b',
    '1 IN_MOVED_FROM #2 b',
    '1 IN_MOVED_TO #2 a',
  ]);
});

test('a link is created in its directory and changes the inode', () => {
  const { sys, watch, touch, events } = setUp();
  touch('/d/f');
  watch('/d', IN_CREATE);
  watch('/d/f', IN_ALL_EVENTS);
  sys(sys_link, '/d/f', '/d/g');
  expect(events()).toEqual(['2 IN_ATTRIB', '1 IN_CREATE g']);
});

test('equal events in a row are told once', () => {
  const { sys, watch, touch, events } = setUp();
  touch('/d/f');
  watch('/d/f', IN_MODIFY);
  const fd = sys(sys_open, '/d/f', O_WRONLY, 0);
  for (let count = 0; count < 3; count++) sys(sys_write, fd, BUFFER, 1);
  expect(events()).toEqual(['1 IN_MODIFY']);
});

test('a watch can be replaced, added to, made once only, or refused', () => {
  const { watch, touch, events } = setUp();
  touch('/d/f');
  expect(watch('/d/f', IN_OPEN)).toBe(1);
  expect(watch('/d/f', IN_MODIFY)).toBe(1);
  touch('/d/f');
  expect(events()).toBe('EAGAIN');
  expect(watch('/d/f', IN_OPEN | IN_MASK_ADD)).toBe(1);
  expect(watch('/d/f', IN_OPEN | IN_MASK_CREATE)).toBe('EEXIST');
  expect(watch('/d/f', IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD)).toBe('EINVAL');
  watch('/d/f', IN_OPEN | IN_ONESHOT);
  touch('/d/f');
  expect(events()).toEqual(['1 IN_OPEN', '1 IN_IGNORED']);
  expect(watch('/d/f', IN_OPEN)).toBe(2);
});

test('IN_EXCL_UNLINK: nothing more of children without a name', () => {
  const { sys, watch, touch, events } = setUp();
  touch('/d/f');
  watch('/d', IN_MODIFY | IN_EXCL_UNLINK);
  const fd = sys(sys_open, '/d/f', O_WRONLY, 0);
  sys(sys_unlink, '/d/f');
  sys(sys_write, fd, BUFFER, 1);
  expect(events()).toBe('EAGAIN');
});

test('the queue has an end', () => {
  const { machine, task, sys, watch, touch, events } = setUp();
  touch('/d/f');
  touch('/d/g');
  watch('/d', IN_OPEN);
  for (let count = 0; count < 8200; count++) {
    sys(sys_close, sys(sys_open, '/d/f', O_RDONLY, 0));
    sys(sys_close, sys(sys_open, '/d/g', O_RDONLY, 0));
  }
  sys(sys_ioctl, 0, FIONREAD, BUFFER);
  expect(machine.memory(task).getU32(BUFFER)).toBe(16384 * 32 + 16);
  let all: string[] = [];
  for (let part = events(); typeof part !== 'string'; part = events()) all = all.concat(part);
  expect(all.length).toBe(16385);
  expect(all.at(-1)).toBe('-1 IN_Q_OVERFLOW');
});

test('reads whole events only', () => {
  const { watch, touch, events } = setUp();
  watch('/d', IN_CREATE);
  touch('/d/f');
  touch('/d/a-name-of-more-than-sixteen');
  expect(events(31)).toBe('EINVAL');
  expect(events(63)).toEqual(['1 IN_CREATE f']);
  expect(events(48)).toEqual(['1 IN_CREATE a-name-of-more-than-sixteen']);
});

test('a user has so many watches and instances', () => {
  const { machine, sys, watch, touch } = setUp();
  const { fsSettings } = machine.kernel;
  touch('/d/f');
  fsSettings.inotifyMaxUserWatches = 1;
  expect(watch('/d', IN_OPEN)).toBe(1);
  expect(watch('/d/f', IN_OPEN)).toBe('ENOSPC');
  sys(sys_inotify_rm_watch, 0, 1);
  expect(watch('/d/f', IN_OPEN)).toBe(2);
  fsSettings.inotifyMaxUserInstances = 2;
  expect(sys(sys_inotify_init1, 0)).toBe(1);
  expect(sys(sys_inotify_init1, 0)).toBe('EMFILE');
  sys(sys_close, 1);
  expect(sys(sys_inotify_init1, 0)).toBe(1);
});

test('errors', () => {
  const { sys, watch, touch } = setUp();
  touch('/d/f');
  expect(watch('/none', IN_OPEN)).toBe('ENOENT');
  expect(watch('/d/f', IN_OPEN | IN_ONLYDIR)).toBe('ENOTDIR');
  expect(watch('/d', 0)).toBe('EINVAL');
  expect(sys(sys_inotify_add_watch, 9, '/d', IN_OPEN)).toBe('EBADF');
  const fd = sys(sys_open, '/d/f', O_RDONLY, 0);
  expect(sys(sys_inotify_add_watch, fd, '/d', IN_OPEN)).toBe('EINVAL');
  expect(sys(sys_inotify_rm_watch, 0, 4)).toBe('EINVAL');
  expect(sys(sys_inotify_init1, O_NONBLOCK | 1)).toBe('EINVAL');
});
