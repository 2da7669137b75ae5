/** Property tests try the same cases each time, so that a failure is one of the change at hand. UML_SEED tries others. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.UML_SEED ?? 42) });
