/** The machine that we run on, as far as guests may know. */
import { closeSync, openSync, readSync } from 'node:fs';
import * as os from 'node:os';
import type { Host } from '../host.js';

const MEGABYTE = 2 ** 20;
const DEFAULT_MEMORY_LIMIT = 2 ** 31;
const MIN_DEFAULT_MEMORY = 64 * MEGABYTE;

export class LinuxMachine {
  readonly cpuCount = os.availableParallelism();
  readonly sysname = os.type();
  readonly nodename = os.hostname();
  readonly release = os.release();
  readonly version = os.version();
  readonly machine = os.machine();
  readonly uid = process.getuid?.() ?? 0;
  readonly gid = process.getgid?.() ?? 0;
  readonly pid = process.pid;
  private firstParagraph: string | undefined;

  /** Read when first asked for: on a host with many CPUs /proc/cpuinfo takes long. */
  get cpuinfo(): string {
    return (this.firstParagraph ??= readFirstParagraph());
  }
}

LinuxMachine satisfies new () => Host['machine'];

function readFirstParagraph(): string {
  const bytes = new Uint8Array(16384);
  const fd = openSync('/proc/cpuinfo', 'r');
  const length = readSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
  const text = new TextDecoder().decode(bytes.subarray(0, length));
  const end = text.indexOf('\n\n');
  return end < 0 ? text : text.slice(0, end + 1);
}

/** Bytes of guest memory when mem= does not say: half of what the host, or the container we are in, has; at most 2 GiB. */
export function defaultMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  const total = Math.min(os.totalmem(), constrained > 0 ? constrained : Infinity);
  const half = Math.floor(total / 2 / MEGABYTE) * MEGABYTE;
  return Math.min(DEFAULT_MEMORY_LIMIT, Math.max(MIN_DEFAULT_MEMORY, half));
}
