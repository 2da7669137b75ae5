/** What must hold unless the kernel itself is wrong. A failure is a plain Error with a stack: an oops. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** For a place that cannot be reached. */
export function unreachable(message: string): never {
  throw new Error(`unreachable: ${message}`);
}
