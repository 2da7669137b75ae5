/** A bar on the terminal that shows how far the work has come; nothing where there is no terminal. */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

const INTERVAL_MS = 100;
const WIDTH = 40;
const ERASE = '\r\x1b[K';

export class Progress {
  private readonly shown = isatty(2);
  private last = 0;

  constructor(private readonly total: number) {}

  update(done: number): void {
    const now = performance.now();
    if (!this.shown || now - this.last < INTERVAL_MS) return;
    this.last = now;
    const part = this.total === 0 ? 1 : done / this.total;
    const full = Math.floor(part * WIDTH);
    const bar = '='.repeat(full).padEnd(WIDTH);
    const percent = String(Math.floor(part * 100)).padStart(3);
    const mib = (bytes: number): string => String(Math.floor(bytes / 2 ** 20));
    writeSync(2, `\r[${bar}] ${percent}%  ${mib(done)} of ${mib(this.total)} MiB`);
  }

  /** The terminal looks as if nothing had been there. */
  end(): void {
    if (this.shown && this.last > 0) writeSync(2, ERASE);
  }
}
