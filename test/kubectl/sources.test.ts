import { describe, expect, test } from 'vitest';
import { systemClock } from '../../controller/app/process/clock.ts';
import { parseGitSpec, sourceId } from '../../controller/sources/git-spec.ts';
import { writeSource } from '../../controller/sources/source-record.ts';
import { useBed } from './bed.ts';
import { cells } from './kubectl.ts';

const bed = useBed();
const SPEC = parseGitSpec('https://git.example.com/team/bastions.git#main');
const NAME = sourceId(SPEC);

describe('git sources', () => {
  test('are shown, described, explained and waited for, and written by nobody', async () => {
    const { run } = bed().place('bastion-system');
    const status = { state: 'synced' as const, message: '2 Bastions declared.', commit: 'a'.repeat(40) };
    await writeSource({ store: bed().store, clock: systemClock(), spec: SPEC }, undefined, {
      ...{ status, problems: [], memory: undefined },
    });
    for (const type of ['gitsources', 'gitsource', 'sources']) {
      const [header, row] = cells(await run(`get ${type}`));
      expect(header?.slice(0, 4)).toEqual(['NAME', 'SOURCE', 'STATE', 'SINCE']);
      expect(row?.slice(0, 3)).toEqual([NAME, SPEC.display, 'synced']);
    }
    expect((await run(`describe gitsource ${NAME}`)).stdout).toMatch(/Message: +2 Bastions declared\./);
    expect((await run('explain gitsource.status.since')).stdout).toContain(
      'When it came to be in this state',
    );
    expect((await run(`wait gitsource ${NAME} --for=condition=Synced`)).code).toBe(0);
    expect(await run(`delete gitsource ${NAME}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('read-only here'),
    });
    expect((await run('auth can-i delete gitsources')).stdout).toMatch(/^no\b/);
    expect((await run('auth can-i list gitsources')).stdout.trim()).toBe('yes');
  });
});
