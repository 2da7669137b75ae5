/** reboot(2): ends the machine, as halt(8), poweroff(8) and reboot(8) ask. */
import { nameFromBytes, text } from '../lib/names.js';
import { CAP_SYS_BOOT } from '../uapi/capability.js';
import { EINVAL, EPERM } from '../uapi/errno.js';
import {
  LINUX_REBOOT_CMD_CAD_OFF,
  LINUX_REBOOT_CMD_CAD_ON,
  LINUX_REBOOT_CMD_HALT,
  LINUX_REBOOT_CMD_POWER_OFF,
  LINUX_REBOOT_CMD_RESTART,
  LINUX_REBOOT_CMD_RESTART2,
  LINUX_REBOOT_MAGIC1,
  LINUX_REBOOT_MAGIC2,
  LINUX_REBOOT_MAGIC2A,
  LINUX_REBOOT_MAGIC2B,
  LINUX_REBOOT_MAGIC2C,
} from '../uapi/reboot.js';
import { capable } from './credentials.js';
import type { Shutdown } from './kernel.js';
import { type Result, address, syscall, uint } from './syscall.js';
import type { Task } from './task.js';
import { WaitQueue } from './wait.js';

const magics = [LINUX_REBOOT_MAGIC2, LINUX_REBOOT_MAGIC2A, LINUX_REBOOT_MAGIC2B, LINUX_REBOOT_MAGIC2C];
/** Bytes of LINUX_REBOOT_CMD_RESTART2's string. */
const MAX_COMMAND = 255;

/** The commands of kexec and hibernation are not there: EINVAL, as on a Linux without them. */
export const sys_reboot = syscall(
  [uint, uint, uint, address],
  (task, magic1, magic2, command, argument): Result => {
    const { kernel } = task;
    if (!capable(task.credentials, CAP_SYS_BOOT)) throw EPERM;
    if (magic1 !== LINUX_REBOOT_MAGIC1 || !magics.includes(magic2)) throw EINVAL;
    switch (command) {
      case LINUX_REBOOT_CMD_CAD_ON:
      case LINUX_REBOOT_CMD_CAD_OFF:
        kernel.ctrlAltDelReboots = command === LINUX_REBOOT_CMD_CAD_ON;
        return 0;
      case LINUX_REBOOT_CMD_HALT:
        return end(task, { kind: 'halt' }, 'System halted');
      case LINUX_REBOOT_CMD_POWER_OFF:
        return end(task, { kind: 'power-off' }, 'Power down');
      case LINUX_REBOOT_CMD_RESTART:
        return end(task, { kind: 'restart', command: '' }, 'Restarting system');
      case LINUX_REBOOT_CMD_RESTART2: {
        const name = readCommand(task, argument);
        return end(task, { kind: 'restart', command: name }, `Restarting system with command '${name}'`);
      }
      default:
        throw EINVAL;
    }
  },
);

function readCommand({ memory }: Task, at: number): string {
  const whole = memory.readString(at, MAX_COMMAND);
  return text(whole ?? nameFromBytes(memory.copyIn(at, MAX_COMMAND)));
}

/** The loop ends when it sees this. The caller does not get back: it must not go on in a machine that is off. */
async function end(task: Task, how: Shutdown, message: string): Promise<never> {
  const { kernel } = task;
  kernel.log.write(0, `reboot: ${message}`);
  kernel.shutdown ??= how;
  const never = new WaitQueue();
  for (;;) await never.sleepUninterruptible(task);
}
