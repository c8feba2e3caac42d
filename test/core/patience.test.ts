import { describe, expect, it } from 'vitest';
import { heldBack, losePatience, NO_SETBACKS } from '../../controller/core/patience.ts';
import { NOW, outcome, TASK } from './outcomes.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe('patience', () => {
  const deferred = outcome('create', TASK, 'deferred', {}, 'conflicting DNS domain');
  const failed = outcome('create', TASK, 'failed', {}, 'AccessDenied');

  it('calls what AWS puts off for too long a failure, until it is done', () => {
    const first = losePatience([deferred], NO_SETBACKS, NOW);
    expect(first.outcomes).toEqual([deferred]);
    expect(heldBack(deferred.step, first.setbacks, NOW)).toBeUndefined();
    const later = losePatience([deferred], first.setbacks, NOW + 5 * MINUTE);
    expect(later.outcomes).toMatchObject([
      { result: 'failed', message: 'conflicting DNS domain', retryAfterMs: 2_000 },
    ]);
    expect(losePatience([outcome('create', TASK, 'done')], later.setbacks, NOW).setbacks.size).toBe(0);
  });

  it('waits longer for a deletion, and for ever for our own pacing', () => {
    const deletion = outcome('delete', TASK, 'deferred');
    const paced = { ...deferred, retryAfterMs: 3_000 };
    const { setbacks } = losePatience([deletion], NO_SETBACKS, NOW);
    expect(losePatience([deletion], setbacks, NOW + 14 * MINUTE).outcomes).toEqual([deletion]);
    expect(losePatience([deletion], setbacks, NOW + 15 * MINUTE).outcomes).toMatchObject([
      { result: 'failed' },
    ]);
    expect(losePatience([paced], NO_SETBACKS, NOW).setbacks.size).toBe(0);
  });

  it('tries a failed step ever more seldom, whatever other passes come by', () => {
    let { setbacks } = losePatience([failed], NO_SETBACKS, NOW);
    expect(heldBack(failed.step, setbacks, NOW + SECOND)).toMatchObject({
      result: 'failed',
      untried: true,
      message: 'AccessDenied',
    });
    expect(heldBack(failed.step, setbacks, NOW + 2 * SECOND)).toBeUndefined();
    const held = heldBack(failed.step, setbacks, NOW + SECOND);
    ({ setbacks } = losePatience(held ? [held] : [], setbacks, NOW + SECOND));
    expect(setbacks.size).toBe(1);
    for (let tries = 0; tries < 12; tries++) ({ setbacks } = losePatience([failed], setbacks, NOW));
    expect(heldBack(failed.step, setbacks, NOW + 4 * MINUTE)).toBeDefined();
    expect(heldBack(failed.step, setbacks, NOW + 5 * MINUTE)).toBeUndefined();
  });

  it('does not count anew when what was half made is removed in between', () => {
    let { setbacks } = losePatience([failed], NO_SETBACKS, NOW);
    for (let tries = 0; tries < 12; tries++) {
      ({ setbacks } = losePatience([outcome('delete', TASK, 'done')], setbacks, NOW));
      ({ setbacks } = losePatience([failed], setbacks, NOW));
    }
    expect(heldBack(failed.step, setbacks, NOW + 4 * MINUTE)).toBeDefined();
    expect(losePatience([outcome('keep', TASK, 'idle')], setbacks, NOW).setbacks.size).toBe(0);
    expect(losePatience([], setbacks, NOW).setbacks.size).toBe(0);
  });

  it('forgets deletions of what is no longer seen, though its successor is in work', () => {
    const removal = (id: string, action: 'delete' | 'wait' = 'delete') =>
      outcome(action, TASK, action === 'delete' ? 'failed' : 'waiting', { seen: { id } }, 'AccessDenied');
    let { setbacks } = losePatience([removal('a'), failed], NO_SETBACKS, NOW);
    ({ setbacks } = losePatience([removal('a', 'wait')], setbacks, NOW));
    expect([...setbacks.values()].map(({ id }) => id)).toEqual(['a', undefined]);
    ({ setbacks } = losePatience([removal('b')], setbacks, NOW));
    expect([...setbacks.values()].map(({ id }) => id)).toEqual([undefined, 'b']);
  });

  it('tries at once what is asked for otherwise, and within half a minute what should be gone', () => {
    const { setbacks } = losePatience([failed], NO_SETBACKS, NOW);
    const corrected = outcome('create', TASK, 'idle', { wanted: { spec: { image: 'another' } } });
    expect(heldBack(corrected.step, setbacks, NOW)).toBeUndefined();
    const removal = outcome('delete', TASK, 'failed', {}, 'InternalError');
    let left = NO_SETBACKS;
    for (let tries = 0; tries < 12; tries++) left = losePatience([removal], left, NOW).setbacks;
    expect(heldBack(removal.step, left, NOW + 30 * SECOND)).toBeUndefined();
  });
});
