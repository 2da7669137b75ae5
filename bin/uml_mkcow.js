#!/usr/bin/env node
// The `uml_mkcow` command: checks that this is a place where it can run, then starts src/tools/uml-mkcow.ts as built.
import { start } from './start.js';

await start('uml_mkcow', 'tools/uml-mkcow.js');
