#!/usr/bin/env node
// The `linux` command: checks that this is a place where it can run, then starts src/cli.ts as built.
import { start } from './start.js';

await start('linux', 'cli.js');
