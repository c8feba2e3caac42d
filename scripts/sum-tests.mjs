// Adds up the "Tests  N passed | M failed" lines of vitest runs: `node scripts/sum-tests.mjs LOG...`
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

let passed = 0;
let failed = 0;
for (const file of process.argv.slice(2)) {
  const line = stripVTControlCharacters(readFileSync(file, 'utf8'))
    .split('\n')
    .findLast((candidate) => /^\s*Tests\s/.test(candidate));
  if (!line) throw new Error(`${file} has no summary of tests`);
  passed += Number(/(\d+) passed/.exec(line)?.[1] ?? 0);
  failed += Number(/(\d+) failed/.exec(line)?.[1] ?? 0);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
