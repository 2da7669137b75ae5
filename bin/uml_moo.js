#!/usr/bin/env node
// The `uml_moo` command: checks that this is a place where it can run, then starts src/tools/uml-moo.ts as built.
import { start } from './start.js';

await start('uml_moo', 'tools/uml-moo.js');
