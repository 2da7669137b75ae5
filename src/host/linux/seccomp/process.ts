/** A stub process as its parent sees it: until it has been waited for, its number cannot mean another process. */
import { kill, waitpid, WNOHANG } from './libc.js';
import { SIGKILL } from './system-calls.js';

export class StubProcess {
  #ended: boolean;

  /** 0: a process that never was. */
  constructor(readonly pid: number) {
    this.#ended = pid === 0;
  }

  /** Looks whether it has ended, and reaps it if so. */
  hasEnded(): boolean {
    if (!this.#ended && waitpid(this.pid, null, WNOHANG) !== 0) this.#ended = true;
    return this.#ended;
  }

  kill(): void {
    if (!this.#ended) kill(this.pid, SIGKILL);
  }

  /** Kills it and waits until nothing of it is left. */
  end(): void {
    this.kill();
    if (!this.#ended) waitpid(this.pid, null, 0);
    this.#ended = true;
  }
}
