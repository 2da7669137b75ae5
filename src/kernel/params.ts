/** Kernel parameters: the words of the command line, parsed once. kernel-parameters; reference: init/main. */
export interface Params {
  /** The command line as /proc/cmdline shows it. */
  readonly commandLine: string;
  /** CPUs shown to guests. */
  readonly cpuCount: number;
  /** panic_on_oops. */
  readonly panicOnOops: boolean;
}
