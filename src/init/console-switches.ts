/** con=, conN=, ssl=, sslN=. */
import type { KernelSwitch } from '../kernel/params.js';
import { deviceSwitch } from './switches.js';

const con = deviceSwitch(
  'con',
  `con[0-15]=<channel>[,<output channel>]
    What the consoles /dev/tty0 to /dev/tty15 are attached to on the host; without
    a number, all that no other switch names. Channels: fd:<n>, pts, pty,
    tty:<device>, port:<n>, unix:<path>, null, none. The default is fd:0,fd:1 for
    console 0 and none for the others.
        Example: con0=fd:0,fd:1 con1=port:9000`,
);

export const consoleSwitches: readonly KernelSwitch[] = [
  {
    kind: 'setup',
    name: 'con',
    help: con.help,
    // console= and consoleblank= are other parameters.
    apply: (rest, params) => !rest.startsWith('sole') && con.apply(rest, params),
  },
  deviceSwitch(
    'ssl',
    `ssl[0-63]=<channel>[,<output channel>]
    What the serial lines /dev/ttyS0 to /dev/ttyS63 are attached to. The default is
    pty.`,
  ),
];
