/** The `linux` command: boots a machine from the words of its command line, as User Mode Linux does. */
import { launch, rawArguments } from './cli/launch.js';

launch({ words: rawArguments(), run: undefined });
