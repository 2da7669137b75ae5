/**
 * Open files inside messages that nobody has received yet: SCM_RIGHTS, unix(7). Each file is held by its message. Of unix
 * sockets among them it is known how often they are in flight, for the garbage collector (unix/garbage).
 */
import type { File } from '../../fs/file.js';
import { capable } from '../../kernel/credentials.js';
import type { Task } from '../../kernel/task.js';
import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from '../../uapi/capability.js';
import { ETOOMANYREFS } from '../../uapi/errno.js';
import { RLIMIT_NOFILE } from '../../uapi/resource.js';
import { SocketFile } from '../socket-file.js';
import { UnixSocket } from './unix-socket.js';

/** The files of one message. */
export interface PassedFiles {
  readonly files: readonly File[];
  /** The real user who sent them. */
  readonly uid: number;
}

/** The unix socket that a file is, if it is one. */
export const socketOf = (file: File): UnixSocket | undefined =>
  file instanceof SocketFile && file.socket instanceof UnixSocket ? file.socket : undefined;

export class InFlight {
  /** How often each socket is in flight. */
  readonly sockets = new Map<UnixSocket, number>();
  private readonly byUser = new Map<number, number>();
  private readonly toDrop: File[] = [];
  private dropping = false;

  /** ETOOMANYREFS when the user has more files in flight than open files are allowed. */
  check({ credentials, process }: Task): void {
    const count = this.byUser.get(credentials.uid) ?? 0;
    if (count <= process.rlimits[RLIMIT_NOFILE].soft) return;
    if (capable(credentials, CAP_SYS_RESOURCE) || capable(credentials, CAP_SYS_ADMIN)) return;
    throw ETOOMANYREFS;
  }

  /** The message has been queued. */
  add({ files, uid }: PassedFiles): void {
    this.count(uid, files.length);
    for (const file of files) {
      const socket = socketOf(file);
      if (socket !== undefined) this.sockets.set(socket, (this.sockets.get(socket) ?? 0) + 1);
    }
  }

  /** The message has left its queue; the files are now the caller's to drop. */
  remove({ files, uid }: PassedFiles): void {
    this.count(uid, -files.length);
    for (const file of files) {
      const socket = socketOf(file);
      if (socket === undefined) continue;
      const count = this.sockets.get(socket) ?? 0;
      if (count > 1) this.sockets.set(socket, count - 1);
      else this.sockets.delete(socket);
    }
  }

  private count(uid: number, change: number): void {
    const count = (this.byUser.get(uid) ?? 0) + change;
    if (count > 0) this.byUser.set(uid, count);
    else this.byUser.delete(uid);
  }

  /**
   * Drops files one after the other. A socket that is closed by that may have messages with sockets in them, and so on:
   * they queue up here, since as many calls inside each other as a guest likes would exhaust the stack.
   */
  drop(files: readonly File[]): void {
    for (const file of files) this.toDrop.push(file);
    if (this.dropping) return;
    this.dropping = true;
    try {
      for (let file = this.toDrop.pop(); file !== undefined; file = this.toDrop.pop()) file.drop();
    } finally {
      this.dropping = false;
    }
  }
}
