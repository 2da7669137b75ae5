/**
 * execve(2): a task goes on as another program. Up to a point everything can still fail, and the caller goes on with an
 * errno; from the point of no return on (`replaceProgram`) the old program is gone, and what fails kills the task.
 */
import { commit } from '../kernel/cred.js';
import {
  type FileCapabilities,
  type NewCredentials,
  credentialsForExec,
  parseFileCapabilities,
} from '../kernel/exec-credentials.js';
import { becomeOnlyThread } from '../kernel/exec-threads.js';
import { doGroupExit } from '../kernel/exit.js';
import type { Kernel } from '../kernel/kernel.js';
import { execTimers } from '../kernel/posix-timers.js';
import type { Process } from '../kernel/process.js';
import { execStop } from '../kernel/ptrace.js';
import { isTraced } from '../kernel/signal-send.js';
import { REGISTERS_SET, address, fd, flags, path, syscall } from '../kernel/syscall.js';
import type { Task } from '../kernel/task.js';
import { FlagSet } from '../lib/flags.js';
import type { Name } from '../lib/names.js';
import { EAGAIN, ELOOP, ENODATA, ENOENT, EOPNOTSUPP, Errno } from '../uapi/errno.js';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../uapi/fcntl.js';
import { MS_NOSUID } from '../uapi/mount.js';
import {
  ADDR_COMPAT_LAYOUT,
  ADDR_NO_RANDOMIZE,
  MMAP_PAGE_ZERO,
  READ_IMPLIES_EXEC,
} from '../uapi/personality.js';
import { SUID_DUMP_DISABLE, SUID_DUMP_USER, TASK_COMM_LEN } from '../uapi/prctl.js';
import { RLIMIT_NPROC } from '../uapi/resource.js';
import { SIGSEGV } from '../uapi/signal.js';
import { signalledStatus } from '../uapi/wait.js';
import { type ElfImage, closeImage, loadImage, readImage } from './binfmt-elf.js';
import { BINPRM_BUF_SIZE, type Interpreter, parseScript } from './binfmt-script.js';
import { type Arguments, checkSize, readArguments } from './exec-arguments.js';
import {
  type NewMemory,
  adoptMemory,
  discardMemory,
  isRandomized,
  makeStack,
  prepareMemory,
} from './exec-memory.js';
import { Executable } from './executable.js';

/** Interpreters that are scripts themselves. */
const MAX_SCRIPT_DEPTH = 5;
const XATTR_CAPS = 'security.capability';
/** What setuid programs can't be started with. */
const PER_CLEAR_ON_SETID = READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | MMAP_PAGE_ZERO;

const execFlags = new FlagSet({ AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH });

/** What is to be executed, by which name. */
interface Request {
  readonly dirfd: number;
  readonly name: Name;
  readonly atFlags: number;
  /** Reads the strings; not before the program has been found. */
  readonly readStrings: () => Arguments;
}

export const sys_execve = syscall([path, address, address], (task, name, argv, envp) =>
  execute(task, {
    dirfd: AT_FDCWD,
    name,
    atFlags: 0,
    readStrings: () => readArguments(task, argv, envp),
  }),
);

/** execveat(2), and with AT_EMPTY_PATH fexecve(3). */
export const sys_execveat = syscall(
  [fd, path, address, address, flags(execFlags)],
  (task, dirfd, name, argv, envp, atFlags) =>
    execute(task, { dirfd, name, atFlags, readStrings: () => readArguments(task, argv, envp) }),
);

/** Runs a program in a task that has none yet: init. The task is ready to be resumed afterwards. Throws an Errno. */
export async function kernelExec(
  task: Task,
  name: Name,
  argv: readonly Name[],
  envp: readonly Name[],
): Promise<void> {
  await execute(task, { dirfd: AT_FDCWD, name, atFlags: 0, readStrings: () => ({ argv, envp }) });
}

async function execute(task: Task, request: Request): Promise<number> {
  checkProcessLimit(task);
  const { name, atFlags } = request;
  const filename = filenameOf(request);
  const script = await Executable.open(task, request.dirfd, name, atFlags);
  const strings = await closingOnError(script, () => {
    const given = request.readStrings();
    checkSize(task, filename, given);
    return given;
  });
  const program = await findProgram(task, request, filename, script, strings);
  try {
    const credentials = newCredentials(task, program.image.executable);
    const memory = prepareMemory(task);
    const { tid } = task;
    await replaceProgram(task, program, credentials, memory);
    if (task.tracing !== undefined && task.dying === undefined) await execStop(task, tid);
  } finally {
    closeImage(program.image);
  }
  return REGISTERS_SET;
}

async function closingOnError<T>(executable: Executable, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    executable.close();
    throw error;
  }
}

/** setuid(2) may have exceeded RLIMIT_NPROC, and execve is where a program notices. */
function checkProcessLimit(task: Task): void {
  const { kernel, process, credentials } = task;
  if (!task.processesExceeded) return;
  if (kernel.pids.countOfUser(credentials.uid) > process.rlimits[RLIMIT_NPROC].soft) throw EAGAIN;
  task.processesExceeded = false;
}

/** The name under which a script's interpreter can open it, and AT_EXECFN. */
function filenameOf({ dirfd, name }: Request): Name {
  if (name.startsWith('/') || dirfd === AT_FDCWD) return name;
  return name === '' ? `/dev/fd/${dirfd}` : `/dev/fd/${dirfd}/${name}`;
}

/** A program that can be loaded, and what it is to find. */
interface Program {
  readonly image: ElfImage;
  readonly strings: Arguments;
  readonly filename: Name;
  readonly comm: Name;
}

/** Follows interpreters of scripts until there is an ELF program. */
async function findProgram(
  task: Task,
  request: Request,
  filename: Name,
  first: Executable,
  strings: Arguments,
): Promise<Program> {
  let executable = first;
  let scriptName = filename;
  const comm = commOf(request, first);
  for (let depth = 0; ; depth++) {
    const current = executable;
    const start = await closingOnError(current, () => readStart(task, current));
    const interpreter = await closingOnError(current, () => interpreterOf(start, depth));
    if (interpreter === undefined) {
      const image = await closingOnError(current, () => readImage(task, current, start));
      return { image, strings, filename, comm };
    }
    if (isInaccessible(task, request)) {
      current.close();
      throw ENOENT;
    }
    const { path: interpreterPath, argument } = interpreter;
    const inserted = argument === undefined ? [interpreterPath] : [interpreterPath, argument];
    strings = { ...strings, argv: [...inserted, scriptName, ...strings.argv.slice(1)] };
    scriptName = interpreterPath;
    current.close();
    checkSize(task, filename, strings);
    executable = await Executable.open(task, AT_FDCWD, interpreterPath);
  }
}

/** The beginning of a file, filled up with zeros. */
async function readStart(task: Task, executable: Executable): Promise<Uint8Array> {
  const start = new Uint8Array(BINPRM_BUF_SIZE);
  start.set(await executable.read(task, 0, BINPRM_BUF_SIZE));
  return start;
}

function interpreterOf(start: Uint8Array, depth: number): Interpreter | undefined {
  if (depth > MAX_SCRIPT_DEPTH) throw ELOOP;
  return parseScript(start);
}

/** The script's name leads through a descriptor that will be closed by the time that its interpreter opens it. */
function isInaccessible({ files }: Task, { dirfd, name }: Request): boolean {
  return dirfd >= 0 && !name.startsWith('/') && files.getCloseOnExec(dirfd);
}

/** The last component of the name; of a program that has no name but a descriptor, the file's. */
function commOf({ name }: Request, { file }: Executable): Name {
  const full = name === '' ? (file.dentry?.name ?? '') : name.slice(name.lastIndexOf('/') + 1);
  return full.slice(0, TASK_COMM_LEN - 1);
}

function newCredentials(task: Task, { file }: Executable): NewCredentials {
  const { inode, mount } = file;
  const noSuid = mount !== undefined && (mount.flags & MS_NOSUID) !== 0;
  const { mode, uid, gid } = inode;
  const privileges = { mode, uid, gid, noSuid, capabilities: fileCapabilities(file.inode) };
  return credentialsForExec(task.credentials, privileges, { observed: isTraced(task) || sharesFs(task) });
}

function fileCapabilities(inode: Executable['file']['inode']): FileCapabilities | undefined {
  try {
    return parseFileCapabilities(inode.getxattr(XATTR_CAPS));
  } catch (error) {
    if (error === ENODATA || error === EOPNOTSUPP) return undefined;
    throw error;
  }
}

/** Whether somebody outside the process could change its root or working directory under it. */
function sharesFs({ fs, process }: Task): boolean {
  let own = 0;
  for (const thread of process.threads) if (thread.fs === fs && thread.context !== undefined) own++;
  return fs.users > own && own > 0;
}

/** The point of no return. */
async function replaceProgram(
  task: Task,
  program: Program,
  gained: NewCredentials,
  memory: NewMemory,
): Promise<void> {
  const readable = isDumpable(task, program.image);
  try {
    await becomeOnlyThread(task);
  } catch (error) {
    discardMemory(memory);
    return die(task, error);
  }
  try {
    adoptMemory(task, memory);
    leaveOldProgram(task, program, gained, readable);
    task.memory.batch(() => start(task, program, gained));
  } catch (error) {
    die(task, error);
  }
}

/** Nothing is left to which an errno could be returned. Bugs are for the trap loop to tell. */
function die(task: Task, error: unknown): void {
  if (!(error instanceof Errno)) throw error;
  if (task.dying === undefined) doGroupExit(task, signalledStatus(SIGSEGV, false));
}

/** Who may not read a program must not see it in memory either. */
const isDumpable = (task: Task, { executable, interpreter }: ElfImage): boolean =>
  executable.isReadable(task) && interpreter?.executable.isReadable(task) !== false;

/** What execve takes away: execve(2), "Effect on process attributes". */
function leaveOldProgram(task: Task, program: Program, gained: NewCredentials, readable: boolean): void {
  const { process, credentials, signals } = task;
  if (task.files.users > 1) {
    const copy = task.files.clone();
    task.files.leave(task);
    task.files = copy;
  }
  task.files.closeOnExec(task);
  execTimers(process);
  signals.altStack = { ...signals.altStack, address: 0, size: 0 };
  if (sharesHandlers(task.kernel, process)) process.handlers = process.handlers.clone();
  process.handlers.resetForExec();
  process.hasExeced = true;
  task.comm = program.comm;
  if (gained.gained) task.personality &= ~PER_CLEAR_ON_SETID;
  if (gained.secure) task.parentDeathSignal = 0;
  const plain = credentials.euid === credentials.uid && credentials.egid === credentials.gid;
  process.dumpable = readable && plain ? SUID_DUMP_USER : SUID_DUMP_DISABLE;
  commit(task, gained.credentials);
}

/** CLONE_SIGHAND without CLONE_THREAD. */
function sharesHandlers({ pids }: Kernel, process: Process): boolean {
  for (const other of pids.processes.values())
    if (other !== process && other.handlers === process.handlers) return true;
  return false;
}

/** Loads the program and sets the registers to its start. */
function start(
  task: Task,
  { image, strings, filename }: Program,
  { credentials, secure }: NewCredentials,
): void {
  const { kernel, memory } = task;
  const { arch, host } = kernel;
  const randomized = isRandomized(task);
  const random = new Uint8Array(16);
  host.random(random);
  const shift = randomized ? (random[0] | (random[1] << 8)) & 0x1fff : 0;
  host.random(random);
  const stack = { filename, ...strings, credentials, secure, random, shift };
  const { file } = image.executable;
  if (file.mount !== undefined && file.dentry !== undefined)
    memory.exe = { mount: file.mount, dentry: file.dentry };
  const top = makeStack(task, image.executableStack, stack);
  const loaded = loadImage(memory, image, randomized);
  const { auxv, stackPointer, ...bounds } = arch.layOutStack(memory, host.cpu, {
    ...stack,
    top,
    entry: loaded.programEntry,
    headers: loaded.headers,
    headerCount: loaded.headerCount,
    interpreterBase: loaded.interpreterBase,
  });
  Object.assign(memory, bounds, { auxv, startStack: stackPointer });
  arch.startProgram(task, { entry: loaded.entry, stackPointer });
}
