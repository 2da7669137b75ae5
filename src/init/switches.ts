/**
 * UML's own switches: words of the command line that mean something before there is a kernel. The order is that of --help.
 * Those that stay on the kernel's command line reach init's environment, as on any UML.
 */
import { memparse } from '../lib/cmdline.js';
import { text } from '../lib/names.js';
import type { KernelSwitch, Params, Switch, UmlOutcome, UmlSwitch } from '../kernel/params.js';
import { UTS_RELEASE } from '../kernel/version.js';

/** Less does not boot to a shell. */
export const MIN_MEMORY = 8 * 2 ** 20;
/** Beyond it the kernel's own tables (a few bytes for each page) would be unreasonable. */
export const MAX_MEMORY = 128 * 2 ** 30;
export const MAX_CPUS = 256;
const UMID_LEN = 64;
const PAGE_SIZE = 4096;

const mem: UmlSwitch = {
  kind: 'uml',
  name: 'mem=',
  help: `mem=<amount of memory>[kKmMgG...]
    The size of the machine's memory. Without a suffix the number is bytes. It is
    a sparse file on the host: what the machine has not touched costs nothing. The
    default is half of the host's memory, at most 2G.
        Example: mem=512M`,
  apply(rest, params): UmlOutcome {
    const { value, rest: garbage } = memparse(rest);
    const isSize = rest !== '' && garbage === '';
    const hint = isSize ? '' : ` (mem=${text(rest)} is not a size such as 512M or 2G)`;
    const given = isSize ? value : 0;
    if (given < MIN_MEMORY)
      return { fail: `Too few physical memory! Needed=${MIN_MEMORY}, given=${given}${hint}` };
    if (given > MAX_MEMORY) return { fail: `Too much physical memory! Limit=${MAX_MEMORY}, given=${given}` };
    params.memoryBytes = Math.ceil(given / PAGE_SIZE) * PAGE_SIZE;
    return 'keep';
  },
};

const ncpus: UmlSwitch = {
  kind: 'uml',
  name: 'ncpus=',
  help: `ncpus=<number of CPUs>
    How many CPUs programs in the machine see. They run on all CPUs of the host
    in any case. The default is as many as the host has.`,
  apply(rest, params): UmlOutcome {
    const count = Number(rest);
    if (!/^[0-9]+$/.test(rest) || count < 1 || count > MAX_CPUS)
      return { fail: `ncpus=${text(rest)} is not a number of CPUs from 1 to ${MAX_CPUS}` };
    params.cpus = count;
    return 'keep';
  },
};

const umid: UmlSwitch = {
  kind: 'uml',
  name: 'umid=',
  help: `umid=<name>
    The name of this machine: tools on the host find it by that, and a machine
    that boots from the host's own files takes it as its host name. At most 63
    characters; the default is a random name.`,
  apply(rest, params): UmlOutcome {
    if (params.umid !== undefined) {
      params.complaints.push('umid already set');
      return 'keep';
    }
    if (rest !== '' && rest.length < UMID_LEN && !rest.includes('/')) params.umid = rest;
    return 'remove';
  },
};

const umlDir: UmlSwitch = {
  kind: 'uml',
  name: 'uml_dir=',
  help: `uml_dir=<directory>
    Where the directories of machines are. The default is $HOME/.uml/.`,
  apply(rest, params): UmlOutcome {
    if (rest === '') params.complaints.push("uml_dir can't be an empty string");
    else params.umlDirectory = rest.endsWith('/') ? rest : rest + '/';
    return 'keep';
  },
};

const noReboot: UmlSwitch = {
  kind: 'uml',
  name: 'noreboot',
  help: `noreboot
    A reboot inside the machine ends the process, with status 0, instead of
    starting the machine anew.`,
  apply(_rest, params): UmlOutcome {
    params.noReboot = true;
    return 'keep';
  },
};

const hostfs: UmlSwitch = {
  kind: 'uml',
  name: 'hostfs=',
  help: `hostfs=<root dir>[,append]
    Confines hostfs: the host directories that the machine mounts are below
    <root dir>, which may be empty (the host's /). With append, files that are
    opened for writing can only be added to, and none can be removed.`,
  apply(rest, params): UmlOutcome {
    const [root, ...options] = rest.split(',');
    params.hostfsGiven = true;
    if (root !== '') params.hostfsRoot = root;
    for (const option of options) {
      if (option === 'append') params.hostfsAppend = true;
      else if (option !== '') params.complaints.push(`hostfs_args - unsupported option - ${text(option)}`);
    }
    return { keepAs: `hostfs=${root}` };
  },
};

/** A switch that is the business of the generic kernel too, and is only described here. */
const described = (name: string, help: string): UmlSwitch => ({
  kind: 'uml',
  name,
  help,
  apply: () => 'keep',
});

const coreSwitches: readonly UmlSwitch[] = [
  mem,
  ncpus,
  described(
    'console=',
    `console=<name>
    Where the kernel's log is shown and what /dev/console is: tty0 (con0, the
    default), ttyS<n> (serial line n), stderr.`,
  ),
  described(
    'root=',
    `root=<device>
    The device of the root file system, such as /dev/ubda. Without it, the file
    root_fs in the current directory is disk 0 and the root; if there is no such
    file, the machine boots from a copy-on-write view of the host's own files.`,
  ),
  described(
    'rootfstype=',
    `rootfstype=<type> rootflags=<options>
    The type of the root file system, and its mount options. A host directory as
    root: rootfstype=hostfs rootflags=/path/to/dir rw`,
  ),
  described(
    'init=',
    `init=<path>
    The first program. Words that the kernel does not know, and all words after
    --, are its arguments; unknown name=value words are its environment.`,
  ),
  umid,
  umlDir,
  described(
    'quiet',
    `quiet
    Shows warnings and errors of the kernel's log only.`,
  ),
  noReboot,
  hostfs,
];

/** --help, --version and --showconfig know of all the others. */
export function informationSwitches(all: readonly Switch[], configuration: () => string): UmlSwitch[] {
  const help: UmlSwitch = {
    kind: 'uml',
    name: '--help',
    help: `--help
    Prints this text.`,
    apply: (): UmlOutcome => ({ print: helpText([...information, ...all]) }),
  };
  const version: UmlSwitch = {
    kind: 'uml',
    name: '--version',
    help: `--version
    Prints the version of the kernel.`,
    apply: (): UmlOutcome => ({ print: `${UTS_RELEASE}\n` }),
  };
  const showConfig: UmlSwitch = {
    kind: 'uml',
    name: '--showconfig',
    help: `--showconfig
    Prints the configuration that this kernel was built with.`,
    apply: (): UmlOutcome => ({ print: configuration() }),
  };
  const information = [showConfig, help, version];
  return information;
}

function helpText(switches: readonly { readonly help?: string }[]): string {
  const header = `User Mode Linux v${UTS_RELEASE}\n\tin TypeScript; after http://user-mode-linux.sourceforge.net/\n\n`;
  return header + switches.map(({ help }) => (help === undefined ? '' : help + '\n\n')).join('');
}

/** The switches that every kernel has: --help and the like first, then the core's, then those of the drivers. */
export function umlSwitches(driverSwitches: readonly Switch[], configuration: () => string): Switch[] {
  const all = [...coreSwitches, ...driverSwitches];
  return [...informationSwitches(all, configuration), ...all];
}

/** A driver's switch: `ubd0=root_fs` asks its driver for a device. */
export function deviceSwitch(driver: string, help: string): KernelSwitch {
  return {
    kind: 'setup',
    name: driver,
    help,
    apply(rest: string, params: Params): boolean {
      params.devices.push({ driver, argument: rest });
      return true;
    },
  };
}
