/**
 * Asks Kubernetes' own code again whether the CRDs are valid, what they accept and what server-side apply makes of them, and fails
 * where the files beside this one say otherwise. `--write` writes them anew. Needs Go, which is missed with CI=true only.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const CRDS = fileURLToPath(new URL('../../crds', import.meta.url));
const VECTORS = ['accept', 'apply'] as const;
const MAX_OUTPUT_BYTES = 2 ** 26;
const SHOWN_DIFFERENCES = 10;

function run(command: string, args: readonly string[], cwd = HERE): string {
  // Dependencies are exactly those of go.sum, and the machine is not for us alone.
  const env = { GOMAXPROCS: '2', ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false' };
  const done = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr.trim()}`);
  return done.stdout;
}

/** The lines of a golden file that are not what Kubernetes says now; each line is one case. */
function differences(expected: string, found: string): readonly string[] {
  const [before, now] = [expected.split('\n'), found.split('\n')];
  const length = Math.max(before.length, now.length);
  const lines = Array.from({ length }, (_, index) => [before[index] ?? '', now[index] ?? ''] as const);
  return lines.flatMap(([a, b]) => (a === b ? [] : [nameOf(b) ?? nameOf(a) ?? 'the list itself']));
}

function nameOf(line: string): string | undefined {
  return /^\{"name":("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
}

/** Answers whether the file is what Kubernetes says. */
function checkVectors(program: string, verb: (typeof VECTORS)[number], isWriting: boolean): boolean {
  const golden = join(HERE, `${verb}-golden.json`);
  const found = run(program, [verb, CRDS, join(HERE, `${verb}-cases.json`)]);
  if (isWriting) {
    writeFileSync(golden, found);
    return true;
  }
  const different = differences(readFileSync(golden, 'utf8'), found);
  for (const name of different.slice(0, SHOWN_DIFFERENCES)) console.error(`${golden}: ${name} differs`);
  if (different.length > 0) {
    console.error(
      `${different.length} cases differ; npm run test:vectors -- --write takes them over, to be read as a diff`,
    );
  }
  return different.length === 0;
}

function hasGo(): boolean {
  return spawnSync('go', ['version']).status === 0;
}

function main(args: readonly string[]): number {
  if (!hasGo()) {
    console.error(
      'go is not on PATH: nothing was asked of Kubernetes. Go 1.23 or later brings it: https://go.dev/dl',
    );
    return process.env['CI'] === 'true' ? 1 : 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'));
  try {
    const program = join(folder, 'vectors');
    run('go', ['build', '-o', program, '.'], join(HERE, 'go'));
    run(program, ['crds', CRDS]);
    const results = VECTORS.map((verb) => checkVectors(program, verb, args.includes('--write')));
    if (results.includes(false)) return 1;
    console.log('the CRDs are valid, and every vector is what Kubernetes says');
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = main(process.argv.slice(2));
