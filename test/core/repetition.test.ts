import { describe, expect, it } from 'vitest';
import { quietLog } from '../../controller/app/telemetry/quiet-log.ts';
import { lasting } from '../../controller/core/repetition.ts';
import { VirtualClock } from '../clock.ts';

const MINUTE_MS = 60_000;
const SINCE = '2026-11-23T09:00:00Z';

function createQuiet() {
  const clock = new VirtualClock(SINCE);
  const lines: [string, string, object][] = [];
  const { log, end } = quietLog((level, message, fields = {}) => lines.push([level, message, fields]), clock);
  const take = () => lines.splice(0);
  /** Says it at once and then again each 2 s, for so long. */
  const goOn = async (forMs: number, say: () => void) => {
    for (let passedMs = 0; passedMs < forMs; passedMs += 2_000) {
      say();
      await clock.advance(2_000);
    }
  };
  return { clock, log, end, take, goOn };
}

describe('a log of what goes on', () => {
  it('says it once, then ever more rarely with how often and since when, and when it is over', async () => {
    const { clock, log, take, goOn } = createQuiet();
    const fail = () => log('error', 'cannot watch', { error: 'gone' });
    await goOn(10 * MINUTE_MS, fail);
    expect(take()).toEqual([['error', 'cannot watch', { error: 'gone' }]]);
    await goOn(60 * MINUTE_MS, fail);
    expect(take()).toEqual([
      ['error', 'cannot watch', { error: 'gone', times: 301, since: SINCE }],
      ['error', 'cannot watch', { error: 'gone', times: 901, since: SINCE }],
    ]);
    log.over?.('cannot watch', () => true);
    expect(take()).toEqual([['info', 'over: cannot watch', { error: 'gone', times: 2_100, since: SINCE }]]);
    await clock.advance(24 * 60 * MINUTE_MS);
    expect(take()).toEqual([]);
  });

  it('takes it for the same whatever request, time, pause or number of tries it names', async () => {
    const { clock, log, take } = createQuiet();
    const ids = ['0c6e9821-f293-43a6-b3e5-af9615ffa1d9', '59df7cab-46c6-447f-bd5d-1d1e67cc2973'];
    for (const [index, id] of ids.entries()) {
      const error = `Slow: no answer in ${index + 3}0 ms after ${index + 2} attempts at 2026-11-23T09:00:0${index}Z (Request ID: ${id})`;
      log('warn', 'cannot read', { error, retryMs: index });
      await clock.advance(1_000);
    }
    expect(take()).toHaveLength(1);
    expect(lasting('Denied. Encoded authorization failure message: abcDEF-_1')).toBe(
      'Denied. Encoded authorization failure message: …',
    );
  });

  it.each([
    ['another level', ['error', 'failed', { key: 'task/a', error: 'no' }]],
    ['another message', ['warn', 'failed again', { key: 'task/a', error: 'no' }]],
    ['another object', ['warn', 'failed', { key: 'task/b', error: 'no' }]],
    ['another reason', ['warn', 'failed', { key: 'task/a', error: 'no: sg-0a1 is not there' }]],
    ['another part of the reason', ['warn', 'failed', { key: 'task/a', error: 'no', what: ['task'] }]],
  ] as const)('says %s at once', (_, [level, message, fields]) => {
    const { log, take } = createQuiet();
    log('warn', 'failed', { key: 'task/a', error: 'no' });
    take();
    log(level, message, fields);
    expect(take()).toHaveLength(1);
  });

  it('takes a shared resource for the same whoever uses it by now', () => {
    const { log, take } = createQuiet();
    const fields = { key: 'ecs-cluster/main', error: 'no' };
    for (const owners of [['default/a'], ['default/b', 'default/a'], []])
      log('warn', 'failed', { ...fields, owners });
    expect(take()).toEqual([['warn', 'failed', { ...fields, owners: ['default/a'] }]]);
  });

  it('lets through what is no failure, each time', () => {
    const { log, take } = createQuiet();
    for (let turn = 0; turn < 2; turn++) {
      log('info', 'changed', { key: 'task/a' });
      log('warn', 'guard tripped', { guard: 'shrink', message: 'too many' });
      log('error', 'cannot dump', { error: 'no space' });
    }
    expect(take()).toHaveLength(6);
  });

  it('says what comes and goes with growing pauses, and never that it is over while it is not', async () => {
    const { clock, log, take } = createQuiet();
    for (let turn = 0; turn < 360; turn++) {
      log('warn', 'cannot read', { error: 'no' });
      await clock.advance(5_000);
      log.over?.('cannot read', () => true);
      await clock.advance(5_000);
    }
    const lines = take();
    expect(lines.length).toBeLessThan(8);
    log('warn', 'cannot read', { error: 'no' });
    await clock.advance(MINUTE_MS / 2);
    expect(take()).toEqual([]);
  });

  it('goes on with what is not tried for a while, and says that something is not seen again', async () => {
    const { clock, log, take } = createQuiet();
    const fail = () => log('warn', 'failed', { key: 'task/a', error: 'no' });
    fail();
    for (let minute = 0; minute < 30; minute++) {
      await clock.advance(MINUTE_MS);
      log.over?.('failed', () => false);
    }
    expect(take()).toHaveLength(1);
    await clock.advance(MINUTE_MS);
    fail();
    fail();
    take();
    await clock.advance(60 * MINUTE_MS);
    expect(take()).toMatchObject([
      ['info', 'not seen again: failed', { times: 3, last: '2026-11-23T09:31:00Z' }],
    ]);
  });

  it('says at its end what it has kept back', () => {
    const { log, end, take } = createQuiet();
    for (let turn = 0; turn < 3; turn++) log('warn', 'cannot read', { error: 'no' });
    take();
    end();
    expect(take()).toEqual([['warn', 'cannot read', { error: 'no', times: 3, since: SINCE }]]);
  });

  it('says too much rather than too little of more failures than it can tell apart', () => {
    const { log, take } = createQuiet();
    for (let turn = 0; turn < 2; turn++)
      for (let one = 0; one < 2_001; one++) log('warn', 'failed', { key: `task/${one}`, error: 'no' });
    expect(take()).toHaveLength(4_002);
  });
});
