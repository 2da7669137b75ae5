/** vhangup(2): hangs up the caller's controlling terminal, so that a login has it to itself. */
import { capable } from '../../kernel/credentials.js';
import { syscall } from '../../kernel/syscall.js';
import { CAP_SYS_TTY_CONFIG } from '../../uapi/capability.js';
import { EPERM } from '../../uapi/errno.js';
import { Tty } from './tty.js';

export const sys_vhangup = syscall([], (task) => {
  if (!capable(task.credentials, CAP_SYS_TTY_CONFIG)) throw EPERM;
  const { controllingTerminal } = task.process.session;
  if (controllingTerminal instanceof Tty) controllingTerminal.hangup();
  return 0;
});
