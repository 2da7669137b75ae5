/** The address space of a new program: its own, emptied, when nobody else uses that; else a new one. */
import type { CpuContext } from '../host/cpu.js';
import { PAGE_SIZE } from '../host/memory.js';
import type { StackContents } from '../kernel/arch.js';
import { notePeakMemory } from '../kernel/cputime.js';
import { endContext } from '../kernel/exit.js';
import { mmRelease } from '../kernel/futex.js';
import { isAlive } from '../kernel/signal-send.js';
import type { Task } from '../kernel/task.js';
import { alignDown } from '../lib/word64.js';
import { AddressSpace } from '../mm/address-space.js';
import { fixedLayout, randomLayout } from '../mm/layout.js';
import { EAGAIN, ENOMEM } from '../uapi/errno.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../uapi/mman.js';
import { ADDR_NO_RANDOMIZE } from '../uapi/personality.js';
import { RLIMIT_STACK } from '../uapi/resource.js';

/** A space with a context in it; undefined: the task keeps its own. */
export type NewMemory = { readonly mm: AddressSpace; readonly context: CpuContext } | undefined;

/** Makes a space while a failure can still be told. EAGAIN. */
export function prepareMemory(task: Task): NewMemory {
  const { kernel } = task;
  if (isOnlyUser(task)) return undefined;
  const mm = new AddressSpace(kernel.memory, kernel.host.cpu.createSpace());
  const context = mm.host.createContext();
  if (context !== undefined) return { mm, context };
  mm.leave();
  throw EAGAIN;
}

export function discardMemory(memory: NewMemory): void {
  memory?.mm.leave();
}

/** The threads of the process will be gone; a vfork's parent, for one, will not. */
function isOnlyUser({ mm, process }: Task): boolean {
  if (mm === undefined) return false;
  let own = 0;
  for (const thread of process.threads) if (isAlive(thread)) own++;
  return mm.users <= own;
}

/** Leaves the old program's memory for the new one's. */
export function adoptMemory(task: Task, memory: NewMemory): void {
  const { mm, kernel, process } = task;
  mmRelease(task);
  notePeakMemory(task);
  if (memory === undefined) {
    task.memory.clearForExec();
    task.vforkDone?.complete();
    task.vforkDone = undefined;
  } else {
    endContext(task);
    task.mm = memory.mm;
    task.context = memory.context;
    memory.context.owner = task;
    mm?.leave();
  }
  const limit = process.rlimits[RLIMIT_STACK].soft;
  const { host } = kernel;
  const { memory: space } = task;
  space.layout = isRandomized(task)
    ? randomLayout(space.top, limit, (into) => host.random(into))
    : fixedLayout(space.top, limit);
}

/** Whether the program and its parts go to random addresses. */
export const isRandomized = ({ kernel, personality }: Task): boolean =>
  kernel.randomizeVaSpace !== 0 && (personality & ADDR_NO_RANDOMIZE) === 0;

/** Room below what is laid out, before the stack has to grow. */
const STACK_ROOM = 128 * 1024;

/** Maps the stack and returns its end. */
export function makeStack(task: Task, executable: boolean, contents: StackContents): number {
  const { memory, process, kernel } = task;
  const top = memory.layout.stackTop;
  const used = kernel.arch.stackSize(contents);
  const limit = alignDown(Math.min(process.rlimits[RLIMIT_STACK].soft, memory.top), PAGE_SIZE);
  if (used > limit && used > STACK_ROOM) throw ENOMEM;
  const start = alignDown(top - Math.max(Math.min(used + STACK_ROOM, limit), used), PAGE_SIZE);
  memory.map({
    address: start,
    length: top - start,
    protection: PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0),
    flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN,
    name: '[stack]',
  });
  return top;
}
