#!/usr/bin/env node
// The `uml` command: checks that this is a place where it can run, then starts src/cli/uml.ts as built.
import { start } from './start.js';

await start('uml', 'cli/uml.js');
