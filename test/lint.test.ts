import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FORBIDDEN = [
  'setTimeout(f, 5);',
  'setInterval(f, 5);',
  'setImmediate(f);',
  'clearTimeout(t);',
  'clearInterval(t);',
  'clearImmediate(t);',
  'globalThis.setTimeout(f, 5);',
  'export const a1 = Date.now();',
  'export const a2 = Date.now;',
  'export const a3 = Date?.now();',
  "export const a4 = Date['now']();",
  'export const a5 = new Date();',
  'export const a6 = new Date;',
  'export const a7 = Date();',
  'export const { now } = Date;',
  'export const Time = Date;',
  'export const a8 = globalThis.Date.now();',
  'export const b1 = performance.now();',
  'export const b2 = process.hrtime.bigint();',
  'export const b3 = process.uptime();',
  'export const { hrtime } = process;',
  "import { performance as p } from 'node:perf_hooks';",
  "import { setTimeout as pause } from 'node:timers/promises';",
  "import { clearTimeout as c } from 'timers';",
  "export { setTimeout as s } from 'node:timers';",
  "export const b4 = await import('node:timers/promises');",
  "import { schedule } from 'node-cron';",
  "import { uptime } from 'node:os';",
  "import { hrtime as h } from 'node:process';",
  "import process from 'node:process';",
  'export const b5 = AbortSignal.timeout(5);',
  'Atomics.wait(a, 0, 0, 5);',
  'export const c1 = Math.random();',
  'export const c2 = Math.random;',
  'export const { random, floor } = Math;',
  'export const c3 = crypto.randomUUID();',
  'crypto.getRandomValues(a);',
  "import { randomUUID } from 'node:crypto';",
  "import { createHash as hash, randomBytes as bytes } from 'node:crypto';",
  "import { webcrypto } from 'crypto';",
  "import * as all from 'node:crypto';",
  "import whole from 'node:crypto';",
  "export const c4 = await import('node:crypto');",
  "export { randomInt } from 'node:crypto';",
  "export * from 'node:crypto';",
];

const ALLOWED = [
  "import { createHash } from 'node:crypto';",
  "import { hostname } from 'node:os';",
  'export const d1 = clock.now();',
  'export const d2 = new Date(clock.now());',
  "export const d3 = Date.parse('2026-11-23T09:00:00Z');",
  'export const d4 = Math.floor(1.5);',
  "export const d5 = process.env['PATH'];",
  'queueMicrotask(f);',
  "export const d6 = 'Date.now() and setTimeout';",
  'clock.setTimer(5, f); // setTimeout, but virtual',
];

const FILES = {
  governed: ['controller/core/sample.ts', 'controller/app/sample.ts', 'test/simulation/sample.ts'],
  exempt: ['controller/main.ts', 'controller/app/process/clock.ts'],
};

describe('the rule about time and randomness', () => {
  const source = [...FORBIDDEN, ...ALLOWED];
  let dir: string;
  let printed: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bastion-lint-'));
    for (const file of ['biome.jsonc', 'scripts/no-clocks.grit']) await cp(file, join(dir, file));
    for (const file of [...FILES.governed, ...FILES.exempt]) {
      await mkdir(dirname(join(dir, file)), { recursive: true });
      await writeFile(join(dir, file), source.join('\n'));
    }
    printed = await lint(dir);
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const objections = (file: string) => {
    const places = printed.matchAll(/^(\S+):(\d+):\d+ (?:plugin|lint\/style\/noRestrictedGlobals) /gm);
    const lines = new Set([...places].filter(([, path]) => path === file).map(([, , line]) => Number(line)));
    return source.filter((_, index) => lines.has(index + 1));
  };

  it.each(FILES.governed)(
    'objects in %s to each way around the injected clock, and to nothing else',
    (file) => {
      expect(objections(file)).toEqual(FORBIDDEN);
    },
  );

  it.each(FILES.exempt)('leaves %s alone, which is the edge of the machine', (file) => {
    expect(objections(file)).toEqual([]);
  });
});

async function lint(dir: string): Promise<string> {
  const biome = fileURLToPath(import.meta.resolve('@biomejs/biome/bin/biome'));
  const flags = ['--vcs-enabled=false', '--max-diagnostics=none', '--colors=off'];
  const running = spawn(process.execPath, [biome, 'lint', ...flags, '.'], { cwd: dir });
  const [, stderr] = await Promise.all([
    once(running, 'close'),
    text(running.stderr),
    running.stdout.resume(),
  ]);
  return stderr;
}
