/** `uml run`: a machine for one command. */
import type { Name } from '../lib/names.js';

/** A host directory that the machine sees. */
export interface RunMount {
  readonly host: Name;
  readonly guest: Name;
  readonly readOnly: boolean;
}

export interface RunRequest {
  /** The program, looked up in PATH, and its arguments. */
  readonly command: readonly Name[];
  /** NAME=value */
  readonly environment: readonly Name[];
  readonly cwd: Name | undefined;
  /** The host directory that is the machine's root; undefined: the host's own files, copy-on-write. */
  readonly root: Name | undefined;
  readonly mounts: readonly RunMount[];
  /** What the command's descriptors 0, 1 and 2 are: the machine's console, a terminal; or those of the host process. */
  readonly streams: readonly ('console' | 'host')[];
}
