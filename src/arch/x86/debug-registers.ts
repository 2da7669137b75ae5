/**
 * The debug registers of a traced task: up to four places where it is to stop when code reaches them, or memory there has
 * changed. The processor's own belong to the host, so the task is stepped through one instruction after the other and looked
 * at in between. Slow, but as good for a debugger's user; only reading memory goes unnoticed.
 */
import type { DebugRegisters } from '../../kernel/ptrace-state.js';
import type { Task } from '../../kernel/task.js';
import { readForced } from '../../mm/remote.js';
import { EINVAL, EIO } from '../../uapi/errno.js';
import { instructionPointer } from './registers.js';

const SLOTS = 4;
const STATUS = 6;
const CONTROL = 7;
/** In the control register: what makes a slot stop. */
const ON_EXECUTE = 0;
const ON_IO = 2;

/** L and G bits of a slot. */
const isEnabled = (control: number, slot: number): boolean => ((control >>> (2 * slot)) & 3) !== 0;
const kindOf = (control: number, slot: number): number => (control >>> (16 + 4 * slot)) & 3;
/** Lengths are encoded as 1, 2, 8, 4. */
const lengthOf = (control: number, slot: number): number => [1, 2, 8, 4][(control >>> (18 + 4 * slot)) & 3];

/** What PTRACE_PEEKUSER finds. */
export function readDebugRegister({ tracing }: Task, index: number): number {
  const debug = tracing?.debug;
  if (debug === undefined) return 0;
  if (index < SLOTS) return debug.addresses[index];
  if (index === STATUS) return debug.status;
  return index === CONTROL ? debug.control : 0;
}

/** PTRACE_POKEUSER. EIO for registers that don't exist, EINVAL for what can't be watched. */
export function writeDebugRegister(task: Task, index: number, value: number): void {
  const { tracing } = task;
  if (tracing === undefined || index === 4 || index === 5) throw EIO;
  const debug = (tracing.debug ??= { addresses: [0, 0, 0, 0], status: 0, control: 0, seen: [] });
  if (index < SLOTS) {
    if (value >= task.kernel.host.cpu.userTop) throw EINVAL;
    debug.addresses[index] = value;
  } else if (index === STATUS) debug.status = value | 0;
  else {
    for (let slot = 0; slot < SLOTS; slot++)
      if (isEnabled(value, slot) && kindOf(value, slot) === ON_IO) throw EINVAL;
    debug.control = value | 0;
  }
}

/** Before a task runs: whether it has to be stepped. Notes what is in the memory that it watches. */
export function watchMemory(task: Task): boolean {
  const debug = task.tracing?.debug;
  if (debug === undefined || (debug.control & 0xff) === 0) return false;
  for (let slot = 0; slot < SLOTS; slot++)
    debug.seen[slot] = watchesMemory(debug, slot) ? bytesAt(task, debug, slot) : undefined;
  return true;
}

/** After a step: whether the task has reached or changed what is watched. */
export function checkWatched(task: Task): boolean {
  const debug = task.tracing?.debug;
  if (debug === undefined) return false;
  let hits = 0;
  for (let slot = 0; slot < SLOTS; slot++) if (isHit(task, debug, slot)) hits |= 1 << slot;
  if (hits === 0) return false;
  debug.status |= hits;
  return true;
}

const watchesMemory = ({ control }: DebugRegisters, slot: number): boolean =>
  isEnabled(control, slot) && kindOf(control, slot) !== ON_EXECUTE;

function isHit(task: Task, debug: DebugRegisters, slot: number): boolean {
  if (!isEnabled(debug.control, slot)) return false;
  if (!watchesMemory(debug, slot)) return instructionPointer(task) === debug.addresses[slot];
  const before = debug.seen[slot];
  const now = bytesAt(task, debug, slot);
  return before !== undefined && now.some((byte, index) => byte !== before[index]);
}

function bytesAt(task: Task, { addresses, control }: DebugRegisters, slot: number): Uint8Array {
  const bytes = new Uint8Array(lengthOf(control, slot));
  readForced(task.memory, addresses[slot], bytes);
  return bytes;
}
