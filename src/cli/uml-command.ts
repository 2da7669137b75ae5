/** A command of `uml`. */
export interface UmlCommand {
  readonly name: string;
  /** One line for `uml --help`. */
  readonly summary: string;
  /** `words` are byte strings. May throw UsageError. */
  run(words: readonly string[]): void;
}

/** What the user has written makes no sense: one line says why. */
export class UsageError extends Error {}
