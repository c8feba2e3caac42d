import { describe, expect, it } from 'vitest';
import { quietLog } from '../../controller/app/telemetry/quiet-log.ts';
import { reportPass } from '../../controller/reconcile/pass-log.ts';
import type { Pass } from '../../controller/reconcile/reconcile.ts';
import { VirtualClock } from '../clock.ts';

const PLACE = { accountId: '123456789012', region: 'eu-west-1' };
const DENIED = 'AccessDenied: no (Request ID: ';

type Result = 'done' | 'failed' | 'idle' | 'waiting';

function createPasses() {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const { log } = quietLog((level, message, fields = {}) => {
    lines.push(`${level} ${message} ${String(fields['what'] ?? fields['key'])}`);
  }, clock);
  let passes = 0;
  const pass = async (
    failing: readonly string[],
    results: Readonly<Record<string, Result>> = {},
    change: Partial<Pass> = {},
  ) => {
    const id = ++passes;
    const failures = new Map(failing.map((kind) => [kind, `cannot list ${kind}: ${DENIED}${id})`]));
    const outcomes = Object.entries(results).map(([key, result]) => ({
      step: { action: 'create', kind: 'task', key, owners: ['default/a'], why: 'does not exist' },
      ...{ result, message: `${DENIED}${id})` },
    }));
    const told = { outcomes, observed: { failures }, fenced: false, news: [], untellable: new Map() };
    reportPass(log, PLACE, { ...told, ...change } as unknown as Pass);
    await clock.advance(2_000);
    return lines.splice(0);
  };
  return { pass };
}

describe('the log of passes', () => {
  it('says in one line what cannot be read for one reason, once, and when all of it can be read again', async () => {
    const { pass } = createPasses();
    expect(await pass(['vpc-endpoint', 'facts'])).toEqual(['warn cannot read AWS vpc-endpoint,facts']);
    for (let turn = 0; turn < 100; turn++) expect(await pass(['vpc-endpoint', 'facts'])).toEqual([]);
    expect(await pass(['vpc-endpoint', 'task'])).toEqual(['warn cannot read AWS vpc-endpoint,facts,task']);
    expect(await pass(['task'])).toEqual([]);
    expect(await pass([])).toEqual(['info over: cannot read AWS vpc-endpoint,facts,task']);
    expect(await pass([])).toEqual([]);
  });

  it('says once that a resource is stuck, for as long as it waits for the next try, and when it is there', async () => {
    const { pass } = createPasses();
    expect(await pass([], { 'task/a': 'failed' })).toEqual(['warn failed task/a']);
    for (const result of ['failed', 'waiting', 'failed'] as const)
      expect(await pass([], { 'task/a': result })).toEqual([]);
    expect(await pass([], { 'task/a': 'failed', 'task/b': 'failed' })).toEqual(['warn failed task/b']);
    expect(await pass([], { 'task/a': 'done', 'task/b': 'failed' })).toEqual([
      'info changed task/a',
      'info over: failed task/a',
    ]);
    // Whoever is gone is not stuck any more.
    expect(await pass([])).toEqual(['info over: failed task/b']);
  });

  it('does not call over what waits for a list, and what a pass did not come to', async () => {
    const { pass } = createPasses();
    const untellable = new Map([['default/a', 'too large']]) as Pass['untellable'];
    await pass([], { 'task/a': 'failed' }, { untellable });
    expect(await pass(['task'])).toEqual([
      'warn cannot read AWS task',
      'info over: the status of a Bastion cannot be stored: it is closed undefined',
    ]);
    await pass([], { 'task/a': 'failed' }, { untellable });
    expect(await pass([], {}, { fenced: true })).toEqual([
      'info gave up a pass: the lease has ended undefined',
    ]);
    expect(await pass([], { 'task/a': 'failed' }, { untellable })).toEqual([]);
  });
});
