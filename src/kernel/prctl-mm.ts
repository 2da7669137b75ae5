/**
 * prctl(2) PR_SET_MM: what /proc shows of a process's layout, for programs that restore others. The forms that Linux has
 * only with CONFIG_CHECKPOINT_RESTORE, and replacing the program's file, answer EINVAL.
 */
import { CAP_SYS_RESOURCE } from '../uapi/capability.js';
import { EINVAL, EPERM } from '../uapi/errno.js';
import {
  PR_SET_MM_ARG_END,
  PR_SET_MM_ARG_START,
  PR_SET_MM_AUXV,
  PR_SET_MM_BRK,
  PR_SET_MM_END_CODE,
  PR_SET_MM_END_DATA,
  PR_SET_MM_ENV_END,
  PR_SET_MM_ENV_START,
  PR_SET_MM_START_BRK,
  PR_SET_MM_START_CODE,
  PR_SET_MM_START_DATA,
  PR_SET_MM_START_STACK,
} from '../uapi/prctl.js';
import { capable } from './credentials.js';
import type { Task } from './task.js';

const fields = {
  [PR_SET_MM_START_CODE]: 'startCode',
  [PR_SET_MM_END_CODE]: 'endCode',
  [PR_SET_MM_START_DATA]: 'startData',
  [PR_SET_MM_END_DATA]: 'endData',
  [PR_SET_MM_START_STACK]: 'startStack',
  [PR_SET_MM_START_BRK]: 'startBrk',
  [PR_SET_MM_BRK]: 'brk',
  [PR_SET_MM_ARG_START]: 'argStart',
  [PR_SET_MM_ARG_END]: 'argEnd',
  [PR_SET_MM_ENV_START]: 'envStart',
  [PR_SET_MM_ENV_END]: 'envEnd',
} as const;

/** AT_VECTOR_SIZE words of x86-64 Linux. */
const MAX_AUXV = 48 * 8;
const ENTRY = 16;

export function setMemoryLayout(task: Task, option: number, value: number, size: number, e: number): number {
  if (e !== 0 || (size !== 0 && option !== PR_SET_MM_AUXV)) throw EINVAL;
  if (!capable(task.credentials, CAP_SYS_RESOURCE)) throw EPERM;
  const { memory, kernel } = task;
  if (option === PR_SET_MM_AUXV) {
    if (value === 0 || size > MAX_AUXV) throw EINVAL;
    const auxv = new Uint8Array(Math.ceil(size / ENTRY) * ENTRY + ENTRY);
    auxv.set(memory.copyIn(value, size));
    memory.auxv = auxv;
    return 0;
  }
  if (!(option in fields) || value >= kernel.host.cpu.userTop || value < 0x1000) throw EINVAL;
  memory[fields[option as keyof typeof fields]] = value;
  return 0;
}
