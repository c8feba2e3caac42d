import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { parseGitSpec, sourceId } from '../../controller/sources/git-spec.ts';
import { readSource, type SourceStatus, writeSource } from '../../controller/sources/source-record.ts';
import { manifestOf } from '../reconcile/harness.ts';
import { createCli } from './fixture.ts';

const SPEC = parseGitSpec('https://git.example.com/team/bastions.git#main');
const NAME = sourceId(SPEC);
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const SYNCED: SourceStatus = { state: 'synced', message: '1 Bastion declared; 1 problem.', commit: COMMIT };

async function createWithSource() {
  const cli = createCli();
  const { store, clock } = cli;
  const write = async (status: SourceStatus, problems: readonly { path?: string; message: string }[] = []) =>
    writeSource({ store, clock, spec: SPEC }, await readSource(store, SPEC), {
      ...{ status, problems, memory: undefined },
    });
  await write(SYNCED, [{ path: 'orders.yaml', message: 'is no YAML' }]);
  await cli.api.bastions.create({
    ...manifestOf('orders'),
    metadata: { name: 'orders', namespace: 'default', annotations: { [ANNOTATION.source]: SPEC.display } },
  });
  return { cli, write };
}

describe('git sources on the command line', () => {
  it.each(['sources', 'source', 'gitsources', 'gitsource', `gitsource/${NAME}`])(
    'are listed by get %s, wherever the person is',
    async (words) => {
      const { cli, write } = await createWithSource();
      await cli.clock.advance(120_000);
      await write({ ...SYNCED, state: 'unreachable', message: 'cannot be fetched' });
      await cli.clock.advance(60_000);
      const { code, out } = await cli.run(`get ${words}`);
      expect(code).toBe(0);
      expect(out.split('\n').map((line) => line.split(/ {3,}/))).toMatchObject([
        ['NAME', 'SOURCE', 'STATE', 'SINCE', 'COMMIT', 'LAST SUCCESS', 'PROBLEMS', 'AGE'],
        [NAME, SPEC.display, 'unreachable', '60s', COMMIT, '3m', '0', '3m'],
        [''],
      ]);
    },
  );

  it('are described with their Bastions and their problems', async () => {
    const { cli } = await createWithSource();
    const { code, out } = await cli.run(`describe source ${NAME}`);
    expect(code).toBe(0);
    expect(out).toMatch(/^Source: +https:\/\/git.example.com\/team\/bastions.git#main$/m);
    expect(out).toMatch(/^State: +synced$/m);
    expect(out).toContain('Bastions:\n  default/orders\n');
    expect(out).toContain('Problems:\n  orders.yaml: is no YAML\n');
  });

  it('are not to be deleted', async () => {
    const { cli } = await createWithSource();
    const { code, err } = await cli.run(`delete source/${NAME}`);
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('this command works on bastions, not on gitsources'),
    ]);
  });
});
