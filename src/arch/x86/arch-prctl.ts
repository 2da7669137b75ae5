/** arch_prctl(2): the bases of the fs and gs segments. Shadow stacks and on-demand register state are not there: EINVAL. */
import { address, int, syscall } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { assert } from '../../lib/assert.js';
import type { CpuContext } from '../../host/cpu.js';
import { EINVAL, ENODEV, EPERM } from '../../uapi/errno.js';
import {
  ARCH_GET_CPUID,
  ARCH_GET_FS,
  ARCH_GET_GS,
  ARCH_SET_CPUID,
  ARCH_SET_FS,
  ARCH_SET_GS,
} from '../../uapi/prctl.js';

function contextOf({ context }: Task): CpuContext {
  assert(context !== undefined, 'a task in a system call has a context');
  return context;
}

export const sys_arch_prctl = syscall([int, address], (task, code, argument) => {
  const context = contextOf(task);
  switch (code) {
    case ARCH_SET_FS:
      context.setFsBase(checkedBase(task, argument));
      return 0;
    case ARCH_SET_GS:
      context.setGsBase(checkedBase(task, argument));
      return 0;
    case ARCH_GET_FS:
      task.memory.putU64(argument, context.getFsBase());
      return 0;
    case ARCH_GET_GS:
      task.memory.putU64(argument, context.getGsBase());
      return 0;
    case ARCH_GET_CPUID:
      // The instruction works, and can't be made to fault.
      return 1;
    case ARCH_SET_CPUID:
      throw ENODEV;
    default:
      throw EINVAL;
  }
});

function checkedBase({ kernel }: Task, base: number): number {
  if (base >= kernel.host.cpu.userTop) throw EPERM;
  return base;
}
