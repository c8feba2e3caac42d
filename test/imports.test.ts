import { describe, expect, it } from 'vitest';
// @ts-expect-error: a script without types
import { faultsOf, readController } from '../scripts/imports.mjs';

const faults = (files: Readonly<Record<string, string>>): readonly string[] =>
  faultsOf(new Map(Object.entries(files)));

describe('the map of imports', () => {
  it('is kept by every file of the controller', () => {
    expect(faultsOf(readController())).toEqual([]);
  });

  it.each([
    ["import { a } from '../aws/a.ts';", 'imports aws/a.ts: core sees itself, machinery, api'],
    ["import type { A } from '../aws/a.ts';", 'imports aws/a.ts: core sees itself, machinery, api'],
    ["import {\n  a,\n  b,\n} from '../aws/a.ts';", 'imports aws/a.ts: core sees itself, machinery, api'],
    ["export { a } from '../aws/a.ts';", 'imports aws/a.ts: core sees itself, machinery, api'],
    ["export * from '../aws/a.ts';", 'imports aws/a.ts: core sees itself, machinery, api'],
    ["import '../aws/a.ts';", 'imports aws/a.ts: core sees itself, machinery, api'],
    ["const load = () => import('../aws/a.ts');", 'imports aws/a.ts: core sees itself, machinery, api'],
    ["import { a } from '../simulator/a.ts';", 'imports simulator/a.ts: core sees itself, machinery, api'],
    [
      "import { EC2Client } from '@aws-sdk/client-ec2';",
      'imports @aws-sdk/client-ec2: for aws, kinds, store',
    ],
    ["import express from 'express';", 'imports express: no room uses it'],
  ])('refuses %j in core/', (text, why) => {
    expect(faults({ 'core/new.ts': text })).toEqual([`core/new.ts ${why}`]);
  });

  it('holds for a kind that does not exist yet', () => {
    expect(
      faults({
        'kinds/index.ts': "import { kind } from './kind.ts';\nimport { record } from './route53-record.ts';",
        'kinds/route53-record.ts': "import type { Kind } from './kind.ts';",
        'kinds/task.ts': "import { record } from './route53-record.ts';",
      }),
    ).toEqual(['kinds/task.ts imports kinds/route53-record.ts: kinds never import each other']);
  });

  it('lets the simulator see the clock and the request rates, and nothing else', () => {
    const of = (name: string) => faults({ 'simulator/ec2/new.ts': `import { a } from '../../${name}';` });
    expect(of('machinery/clock.ts')).toEqual([]);
    expect(of('aws/rates.ts')).toEqual([]);
    expect(of('machinery/json.ts')).toHaveLength(1);
    expect(of('aws/tags.ts')).toHaveLength(1);
  });

  it('wants a new room to say what it sees', () => {
    expect(faults({ 'audit/new.ts': '' })).toEqual([
      'audit/new.ts: audit is no room of the map; say in scripts/imports.mjs what it sees',
    ]);
  });

  it('finds files that import each other in a circle, also by types', () => {
    expect(
      faults({
        'api/a.ts': "import { b } from './b.ts';",
        'api/b.ts': "import type { C } from './c.ts';",
        'api/c.ts': "import type { A } from './a.ts';",
        'api/d.ts': "import { a } from './a.ts';",
      }),
    ).toEqual(['api/a.ts, api/b.ts, api/c.ts import each other in a circle']);
  });
});
