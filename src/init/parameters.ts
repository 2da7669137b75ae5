/** The parameters of the generic kernel: Documentation/admin-guide/kernel-parameters.txt. */
import { memparse } from '../lib/cmdline.js';
import type { Name } from '../lib/names.js';
import {
  CONSOLE_LOGLEVEL_DEBUG,
  CONSOLE_LOGLEVEL_QUIET,
  type KernelSwitch,
  type Params,
} from '../kernel/params.js';

const KERN_WARNING = 4;
const KERN_ERR = 3;

const exact = (name: Name, set: (value: Name, params: Params) => void): KernelSwitch => ({
  kind: 'exact',
  name,
  apply(value, params) {
    set(value, params);
    return true;
  },
});

const setup = (name: Name, set: (rest: Name, params: Params) => void): KernelSwitch => ({
  kind: 'setup',
  name,
  apply(rest, params) {
    set(rest, params);
    return true;
  },
});

/** A word that stands alone: `ro` is the parameter, `root` and `rofl` are not. */
const word = (name: Name, set: (params: Params) => void): KernelSwitch => ({
  kind: 'setup',
  name,
  apply(rest, params) {
    if (rest !== '') return false;
    set(params);
    return true;
  },
});

/** Known and without effect here: what it tunes does not exist, or is always so. */
const ignored = (name: Name): KernelSwitch => exact(name, () => undefined);

const boolean = (value: Name): boolean => value === '' || /^[1yYtT]|^on$/i.test(value);

/** init= and the words before it: boot loaders once put "auto" in front of everything. */
function setInit(path: Name, params: Params): void {
  params.init = path;
  params.initArguments = [];
}

export const kernelParameters: readonly KernelSwitch[] = [
  setup('root=', (rest, params) => {
    params.rootDevice = rest;
  }),
  setup('rootfstype=', (rest, params) => {
    params.rootType = rest;
  }),
  setup('rootflags=', (rest, params) => {
    params.rootFlags = rest;
  }),
  word('ro', (params) => {
    params.rootReadOnly = true;
  }),
  word('rw', (params) => {
    params.rootReadOnly = false;
  }),
  setup('init=', setInit),
  setup('rdinit=', (rest, params) => {
    params.ramdiskInit = rest;
    params.initArguments = [];
  }),
  exact('console', (value, params) => {
    params.consoles.push(value);
  }),
  exact('quiet', (_value, params) => {
    params.consoleLogLevel = CONSOLE_LOGLEVEL_QUIET;
  }),
  exact('debug', (_value, params) => {
    params.consoleLogLevel = CONSOLE_LOGLEVEL_DEBUG;
  }),
  exact('loglevel', (value, params) => {
    const level = memparse(value);
    if (value !== '' && level.rest === '') params.consoleLogLevel = Math.max(1, level.value);
    else params.earlyLog.push([KERN_WARNING, `loglevel: expected a number, not '${value}'`]);
  }),
  exact('ignore_loglevel', (_value, params) => {
    params.consoleLogLevel = Infinity;
    params.earlyLog.push([6, 'debug: ignoring loglevel setting.']);
  }),
  exact('printk.time', (value, params) => {
    params.printkTime = boolean(value);
  }),
  exact('earlyprintk', (_value, params) => {
    params.earlyPrintk = true;
  }),
  setup('stderr=', (rest, params) => {
    params.stderrConsole = boolean(rest);
  }),
  exact('oops', (value, params) => {
    if (value === 'panic') params.panicOnOops = true;
  }),
  exact('panic_on_oops', (value, params) => {
    params.panicOnOops = boolean(value);
  }),
  // A panic always ends the process, whatever time `panic=` gives.
  ignored('panic'),
  setup('udb', (rest, params) => {
    const text = `udb${rest} specified on command line is almost certainly a ubd -> udb TYPO`;
    params.earlyLog.push([KERN_ERR, text]);
  }),
  setup('fake_ide', (_rest, params) => {
    params.earlyLog.push([KERN_ERR, 'The fake_ide option has been removed']);
  }),
  // The root is there at once.
  ignored('rootwait'),
  ignored('rootdelay'),
  ignored('reboot'),
  ignored('nokaslr'),
  ignored('nosmp'),
  ignored('maxcpus'),
  ignored('lpj'),
  ignored('selinux'),
  ignored('apparmor'),
  ignored('security'),
  ignored('log_buf_len'),
  ignored('nosysemu'),
];
