/**
 * For unit tests: a machine with memory and a tmpfs as its root, and system calls that take path names as they are.
 *
 *     const machine = new TreeMachine();
 *     expect(machine.sys(sys_mkdir, '/tmp', 0o777)).toBe(0);
 *     expect(machine.sys(sys_mkdir, '/tmp', 0o777)).toBe('EEXIST');
 */
import { FakeMemory } from '../host/fake/memory.js';
import { noCapabilities, rootCredentials, type Credentials } from '../kernel/credentials.js';
import { UtsNamespace } from '../kernel/namespaces.js';
import type { SystemCall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { nameFromBytes, nameToBytes, type Name } from '../lib/names.js';
import { MemoryManager } from '../mm/memory-manager.js';
import { PhysicalAllocator } from '../mm/physmem.js';
import { linux_dirent64 } from '../uapi/dirent.js';
import { O_DIRECTORY, O_RDONLY } from '../uapi/fcntl.js';
import { stat as statLayout } from '../uapi/stat.js';
import { sys_close } from './file-calls.js';
import { FsContext } from './fs-context.js';
import { sys_open } from './open.js';
import { sys_getdents64 } from './readdir.js';
import { sys_pread64, sys_pwrite64 } from './read-write.js';
import { mountRoot, type RootTree } from './root-mount.js';
import { sys_fstat, sys_lstat, sys_stat } from './stat.js';
import type { FileSystemType } from './super-block.js';
import { TestMachine, USER } from './testing.js';
import { ramfs, tmpfs } from './tmpfs/tmpfs.js';

/** User memory for names and values, and for what calls give back. */
const NAMES = USER;
const BUFFER = USER + 0x20000;

export type Argument = number | Name | Uint8Array;

export class TreeMachine extends TestMachine {
  readonly tree: RootTree;
  /** A process of root in it. */
  readonly task: Task;

  constructor(
    fileSystems: readonly FileSystemType[] = [tmpfs, ramfs],
    frames = 4096,
    rootOptions = 'mode=755',
  ) {
    super(fileSystems);
    const { kernel } = this;
    kernel.frames = new PhysicalAllocator(new FakeMemory(frames * 4096));
    kernel.memory = new MemoryManager(kernel, kernel.frames);
    const make = (type: FileSystemType, data: Name) =>
      type.mount({ kernel, task: undefined, source: '', flags: 0, data });
    this.tree = mountRoot(kernel, make(ramfs, ''), make(tmpfs, rootOptions), 'root', false);
    this.task = this.newRooted();
  }

  /** A process whose root and working directory are the machine's root. */
  newRooted(credentials: Credentials = rootCredentials): Task {
    const task = this.newProcess();
    const { root, namespace } = this.tree;
    task.fs = new FsContext(root, root);
    task.fs.umask = 0;
    task.namespaces = { ...task.namespaces, uts: new UtsNamespace(), mount: namespace };
    task.credentials = credentials;
    return task;
  }

  /** Makes a call; names and bytes are put into user memory. The result, or the name of the error. */
  sys(call: SystemCall, ...values: Argument[]): number | string {
    return this.sysAs(this.task, call, ...values);
  }

  /** As another process. */
  sysAs(task: Task, call: SystemCall, ...values: Argument[]): number | string {
    let at = NAMES;
    const words = values.map((value) => {
      if (typeof value === 'number') return value;
      const bytes = typeof value === 'string' ? nameToBytes(`${value}\0`) : value;
      const address = at;
      this.memory(task).copyOut(address, bytes);
      at += bytes.length;
      return address;
    });
    return this.call(task, call, ...words);
  }

  /** The fields of a file's struct stat, or the name of the error. `follow`: a link at the end. */
  stat(name: Name | number, follow = true, task = this.task): ReturnType<typeof statLayout.decode> | string {
    const call = typeof name === 'number' ? sys_fstat : follow ? sys_stat : sys_lstat;
    const result = this.sysAs(task, call, name, BUFFER);
    if (typeof result === 'string') return result;
    return statLayout.decode(this.memory(task).copyIn(BUFFER, statLayout.size));
  }

  /** The text that a call leaves in a buffer, or the name of the error: readlink, getcwd. */
  textOf(call: SystemCall, ...values: Argument[]): string {
    const result = this.sysAs(this.task, call, ...values, BUFFER, 4096);
    return typeof result === 'string' ? result : this.memory(this.task).getText(BUFFER, result);
  }

  /** The bytes of a file as text, from a position on. */
  read(fd: number, length = 4096, position = 0): string {
    const result = this.sysAs(this.task, sys_pread64, fd, BUFFER, length, position);
    return typeof result === 'string' ? result : this.memory(this.task).getText(BUFFER, result);
  }

  write(fd: number, text: string, position = 0): number | string {
    return this.sysAs(this.task, sys_pwrite64, fd, nameToBytes(text), text.length, position);
  }

  /** The names in a directory, with their types, in order. */
  list(
    name: Name,
    task = this.task,
    bufferSize = 1024,
  ): { name: Name; type: number; ino: number }[] | string {
    const fd = this.sysAs(task, sys_open, name, O_RDONLY | O_DIRECTORY, 0);
    if (typeof fd === 'string') return fd;
    const entries: { name: Name; type: number; ino: number }[] = [];
    for (;;) {
      const used = this.sysAs(task, sys_getdents64, fd, BUFFER, bufferSize);
      if (typeof used === 'string') return used;
      if (used === 0) break;
      const bytes = this.memory(task).copyIn(BUFFER, used);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      for (let at = 0; at < used;) {
        const { d_ino, d_reclen, d_type } = linux_dirent64.read(view, at);
        const start = at + linux_dirent64.size;
        entries.push({
          name: nameFromBytes(bytes, start, bytes.indexOf(0, start)),
          type: d_type,
          ino: d_ino,
        });
        at += d_reclen;
      }
    }
    this.sysAs(task, sys_close, fd);
    return entries;
  }

  /** The sorted names in a directory, without '.' and '..'. */
  names(name: Name): Name[] | string {
    const entries = this.list(name);
    if (typeof entries === 'string') return entries;
    return entries
      .map((entry) => entry.name)
      .filter((entry) => entry !== '.' && entry !== '..')
      .toSorted();
  }
}

/** An ordinary user without capabilities. */
export const userCredentials = (uid: number, gid = uid, groups: readonly number[] = []): Credentials => ({
  ...rootCredentials,
  uid,
  euid: uid,
  suid: uid,
  fsuid: uid,
  gid,
  egid: gid,
  sgid: gid,
  fsgid: gid,
  groups,
  permitted: noCapabilities,
  effective: noCapabilities,
});
