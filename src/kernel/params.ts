/**
 * Kernel parameters: what the command line says. init/command-line parses it, once; drivers and file systems read what
 * concerns them. And the shape of a switch, so that a driver can bring its own: init/config lists them.
 */
import type { Name } from '../lib/names.js';

/** A device that a switch of a driver asks for: `ubd0=root_fs` is { driver: 'ubd', argument: '0=root_fs' }. */
export interface DeviceRequest {
  readonly driver: Name;
  readonly argument: Name;
}

/** Of a word on the command line before there is a kernel: one of UML's own switches. */
export interface UmlSwitch {
  readonly kind: 'uml';
  /** Matches every argument that begins with it. */
  readonly name: Name;
  /** Its entry in --help: the switch and its meaning, in lines. */
  readonly help?: string;
  apply(rest: Name, params: Params): UmlOutcome;
}

/**
 * What becomes of the argument: it stays on the kernel's command line, goes, or stays in another form; or the program
 * prints something and ends with status 0, or complains and ends with status 1.
 */
export type UmlOutcome =
  | 'keep'
  | 'remove'
  | { readonly keepAs: Name }
  | { readonly print: string }
  | { readonly fail: string };

/** A kernel parameter: kernel-parameters(7), and the switches of drivers. */
export interface KernelSwitch {
  /**
   * `setup` matches a word that begins with `name` (__setup of Linux: the name mostly ends in '='), `exact` one that is
   * `name` or `name=value` (early_param, module_param). Dashes and underscores are the same.
   */
  readonly kind: 'setup' | 'exact';
  readonly name: Name;
  readonly help?: string;
  /** Takes what follows the name (and the '=' of an exact one). False: not meant for it after all. */
  apply(rest: Name, params: Params): boolean;
}

export type Switch = UmlSwitch | KernelSwitch;

/** console_loglevel: records of a lower number are shown. */
export const CONSOLE_LOGLEVEL_QUIET = 4;
export const CONSOLE_LOGLEVEL_DEFAULT = 7;
export const CONSOLE_LOGLEVEL_DEBUG = 10;

export class Params {
  /** The command line as /proc/cmdline shows it. */
  commandLine: Name = '';
  /** mem=: bytes of guest physical memory; undefined: chosen from the host's. */
  memoryBytes: number | undefined;
  /** ncpus=: CPUs shown to guests; undefined until start-up has chosen. */
  cpus: number | undefined;
  /** umid=: the machine's name; undefined: a random one. */
  umid: Name | undefined;
  /** uml_dir=: where directories of machines go. */
  umlDirectory: Name | undefined;
  /** hostfs=: put in front of each host path that hostfs mounts, and never left. */
  hostfsRoot: Name = '';
  /** hostfs=,append: files can only be added to. */
  hostfsAppend = false;
  /** hostfs= was given: what of the host may be mounted has been said. */
  hostfsGiven = false;
  /** Guests can mount no more host directories, nor write to those that they have been given read-only. */
  hostfsSealed = false;
  /** noreboot: a guest's reboot ends the process. */
  noReboot = false;

  /** root=: undefined when not given. */
  rootDevice: Name | undefined;
  /** rootfstype=: names, separated by commas. */
  rootType: Name | undefined;
  /** rootflags=: options of the root's file system. */
  rootFlags: Name = '';
  /** ro, rw; undefined: not said, which is ro. */
  rootReadOnly: boolean | undefined;

  /** init=: undefined: the usual places. */
  init: Name | undefined;
  /** rdinit=: init inside an initrd. */
  ramdiskInit: Name | undefined;
  /** argv[1] and on of init. */
  initArguments: Name[] = [];
  /** Further variables of init's environment, after HOME and TERM. */
  initEnvironment: Name[] = [];

  /** console=, in order; the last is /dev/console. */
  consoles: Name[] = [];
  /** Records of the log with a smaller number than this are shown on consoles. */
  consoleLogLevel = CONSOLE_LOGLEVEL_DEFAULT;
  /** printk.time=: time stamps on consoles. */
  printkTime = false;
  /** earlyprintk: the log goes to standard output before there is a console. */
  earlyPrintk = false;
  /** stderr=1: standard error is a console of the boot. */
  stderrConsole = false;
  /** panic_on_oops, oops=panic. */
  panicOnOops = false;

  /** Devices asked for, in order. */
  readonly devices: DeviceRequest[] = [];
  /** What is to be logged once there is a log: level and text. */
  readonly earlyLog: (readonly [level: number, text: string])[] = [];
  /** Lines for standard error. */
  readonly complaints: string[] = [];

  /** CPUs shown to guests. */
  get cpuCount(): number {
    return this.cpus ?? 1;
  }
}
