import { describe, expect, it } from 'vitest';
import { createSourceLog } from '../../../controller/app/telemetry/source-log.ts';
import type { SyncReport } from '../../../controller/sources/git.ts';
import { VirtualClock } from '../../clock.ts';

const DISPLAY = 'https://example.com/x.git#main:bastions';
const SYNCED: SyncReport = {
  ...{ source: DISPLAY, state: 'synced', message: '1 Bastion declared.', commit: '0123456789abcdef' },
  ...{ created: [], updated: [], deleted: [], unchanged: ['default/orders'], problems: [], news: [] },
};
const CUT: SyncReport = {
  ...SYNCED,
  ...{ state: 'unreachable', message: 'cannot be fetched', problems: [{ message: 'cannot be fetched' }] },
};

function create() {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const sync = createSourceLog({
    clock,
    log: (level, message, { error } = {}) => lines.push([level, message, error].filter(Boolean).join(' ')),
  });
  const see = async (report: SyncReport | Error) => {
    const answer = () => (report instanceof Error ? Promise.reject(report) : Promise.resolve(report));
    await sync({ display: DISPLAY, sync: answer });
    return lines.splice(0);
  };
  return { clock, see };
}

describe('the log of a git source', () => {
  it('says once that a source cannot be fetched, again after an hour, and when it is well again', async () => {
    const { clock, see } = create();
    expect(await see(SYNCED)).toEqual([]);
    expect(await see(CUT)).toEqual(['warn source not synced cannot be fetched']);
    expect(await see(CUT)).toEqual([]);
    expect(await see({ ...CUT, message: 'cannot be fetched after 12 s', problems: [] })).toEqual([]);
    await clock.advance(3_600_000);
    expect(await see(CUT)).toEqual(['warn source not synced cannot be fetched']);
    expect(await see(SYNCED)).toEqual(['info source synced']);
    expect(await see(CUT)).toHaveLength(1);
  });

  it('says what is wrong with a manifest once, though others change', async () => {
    const { see } = create();
    const problems = [{ path: 'bastions/a.yaml', message: 'Bastion default/a: spec.ttl: found x' }];
    const told = 'warn manifest problem Bastion default/a: spec.ttl: found x';
    expect(await see({ ...SYNCED, problems })).toEqual([told]);
    expect(await see({ ...SYNCED, problems, updated: ['default/orders'] })).toEqual(['info source synced']);
    const more = [...problems, { path: 'bastions/b.yaml', message: 'is a submodule' }];
    expect(await see({ ...SYNCED, problems: more })).toEqual(['warn manifest problem is a submodule']);
  });

  it('warns of a path without a manifest', async () => {
    const { see } = create();
    const bare = { ...SYNCED, unchanged: [] };
    expect(await see(bare)).toEqual(['warn source is empty no manifest under bastions at 0123456789ab']);
    expect(await see(bare)).toEqual([]);
  });

  it('says once that a sync failed', async () => {
    const { see } = create();
    expect(await see(new Error('no store'))).toEqual(['error source failed Error: no store']);
    expect(await see(new Error('no store'))).toEqual([]);
  });
});
