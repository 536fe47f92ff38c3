#!/usr/bin/env node
import { run } from './run.ts';
import { ProcessTerminal } from './terminal.ts';

void run(process.argv.slice(2), new ProcessTerminal()).then((code) => {
  // Not `process.exit`, which would cut off what is still being written.
  process.exitCode = code;
});
