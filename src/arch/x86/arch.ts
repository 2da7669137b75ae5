/** The x86-64 architecture, as the kernel proper sees it. */
import type { Arch } from '../../kernel/arch.js';
import { EM_X86_64 } from '../../uapi/elf.js';
import { syscallNumbers } from '../../uapi/unistd-64.js';
import { checkWatched, watchMemory } from './debug-registers.js';
import { layOutStack, stackSize } from './exec-stack.js';
import {
  getResult,
  instructionPointer,
  readArguments,
  restartSyscall,
  setResult,
  setSingleStep,
  stackPointer,
  startChild,
  startProgram,
} from './registers.js';
import { popSignalFrame, pushSignalFrame } from './signal-frame.js';
import { syscalls } from './syscall-64.js';

const syscallNames: (string | undefined)[] = [];
for (const [name, number] of Object.entries(syscallNumbers)) syscallNames[number] = name;

export const x86: Arch = {
  syscalls,
  syscallNames,
  machine: 'x86_64',
  elfMachine: EM_X86_64,
  stackSize,
  layOutStack,
  readArguments,
  setResult,
  getResult,
  restartSyscall,
  startProgram,
  startChild,
  pushSignalFrame,
  popSignalFrame,
  setSingleStep,
  watchMemory,
  checkWatched,
  instructionPointer,
  stackPointer,
};
