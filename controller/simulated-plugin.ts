#!/usr/bin/env node
import { runSimulatedPlugin } from './simulator/plugin/plugin.ts';

await runSimulatedPlugin({
  words: process.argv.slice(2),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  onInterrupt: (callback) => process.on('SIGINT', callback),
});
// A terminal's stdin, and what was started in a shell, would keep it. What was said has to get out first.
process.stdout.write('', () => process.exit());
