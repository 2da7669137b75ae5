/** The host's vDSO as bytes. It is the same in every process; debuggers of guests want to read what guests have mapped. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Our own. Undefined where there is none, or it can't be read. */
export function readVdso(): Uint8Array | undefined {
  const line = readFileSync('/proc/self/maps', 'latin1')
    .split('\n')
    .find((text) => text.endsWith('[vdso]'));
  if (line === undefined) return undefined;
  const [start, end] = line
    .slice(0, line.indexOf(' '))
    .split('-')
    .map((text) => Number.parseInt(text, 16));
  const bytes = new Uint8Array(end - start);
  let memory: number;
  try {
    memory = openSync('/proc/self/mem', 'r');
  } catch {
    // Some containers hide it; then a guest's debugger does not see the vDSO.
    return undefined;
  }
  try {
    return readSync(memory, bytes, 0, bytes.length, start) === bytes.length ? bytes : undefined;
  } finally {
    closeSync(memory);
  }
}
