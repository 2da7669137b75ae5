/** What the main thread and the kernel thread say to each other. Plain data: it is copied from one to the other. */
import type { Name } from '../../lib/names.js';
import type { RunRequest } from '../../init/run.js';

/** A host terminal's settings as they were at start-up: struct termios, as TCGETS gives it. */
export interface SavedTerminal {
  readonly fd: number;
  readonly termios: Uint8Array<ArrayBuffer>;
}

/** Handed to the kernel thread as it starts. */
export interface KernelThreadData {
  /** The arguments of `linux`. */
  readonly words: readonly Name[];
  /** `uml run`: the one command that the machine is for. */
  readonly run: RunRequest | undefined;
}

/** From the kernel thread. */
export type KernelThreadMessage =
  /** Messages to the kernel thread are announced by writing to the descriptor `doorbell`. */
  | { readonly kind: 'started'; readonly doorbell: number; readonly terminals: readonly SavedTerminal[] }
  | { readonly kind: 'exit'; readonly how: number | 'abort' | 'restart' };
