import { describe, expect, it } from 'vitest';
import { startReplicas } from '../../../controller/app/process/replicas.ts';
import { settle, VirtualClock } from '../../clock.ts';

const SECOND = 1_000;

/** Replicas that run until the test ends them, or, unless they are deaf, a signal does. */
function setUp(count: number) {
  const clock = new VirtualClock();
  const started: string[] = [];
  const signals: string[] = [];
  const messages: string[] = [];
  const running = new Map<string, (how: number | string) => void>();
  const deaf = new Set<string>();
  const replicas = startReplicas({
    ...{ count, clock, log: (_, message, fields) => messages.push(`${message} ${JSON.stringify(fields)}`) },
    launch: (name) => {
      started.push(name);
      let end: (how: number | string) => void = () => undefined;
      const ended = new Promise<number | string>((resolve) => {
        end = resolve;
      });
      running.set(name, end);
      const signal = (given: NodeJS.Signals) => {
        signals.push(`${given} ${name}`);
        if (given === 'SIGKILL' || (given === 'SIGTERM' && !deaf.has(name))) end(given);
      };
      return { ended, signal };
    },
  });
  const die = async (name: string, how: number | string) => {
    running.get(name)?.(how);
    await settle();
  };
  return { clock, replicas, started, signals, messages, deaf, die };
}

describe('replicas on one machine', () => {
  it('are started, each by its name, and told of signals', async () => {
    const { replicas, started, signals } = setUp(3);
    expect(started).toEqual(['replica-1', 'replica-2', 'replica-3']);
    replicas.signal('SIGHUP');
    expect(signals).toEqual(['SIGHUP replica-1', 'SIGHUP replica-2', 'SIGHUP replica-3']);
  });

  it('are started again when they die, ever more seldom, and soon after they have lived', async () => {
    const { clock, started, messages, die } = setUp(2);
    for (const pauseMs of [1, 2, 4, 8, 16, 30, 30].map((seconds) => seconds * SECOND)) {
      const before = started.length;
      await die('replica-2', 'SIGKILL');
      await clock.advance(pauseMs - 1);
      expect(started).toHaveLength(before);
      await clock.advance(1);
      expect(started.slice(before)).toEqual(['replica-2']);
    }
    await clock.advance(60 * SECOND);
    await die('replica-2', 1);
    await clock.advance(SECOND);
    expect(started.filter((name) => name === 'replica-1')).toHaveLength(1);
    expect(started).toHaveLength(10);
    expect(messages.at(-1)).toBe(
      'a replica ended: starting it again {"replica":"replica-2","ended":1,"afterMs":1000}',
    );
  });

  it('are ended together, and killed when they do not listen', async () => {
    const { clock, replicas, started, signals, deaf, die } = setUp(3);
    deaf.add('replica-2');
    await die('replica-3', 1);
    const state = { stopped: false };
    const stopping = replicas.stop().then(() => {
      state.stopped = true;
    });
    await clock.advance(6 * SECOND - 1);
    expect([signals, state.stopped]).toEqual([['SIGTERM replica-1', 'SIGTERM replica-2'], false]);
    await clock.advance(1);
    await stopping;
    expect(signals.at(-1)).toBe('SIGKILL replica-2');
    await clock.advance(60 * SECOND);
    expect(started).toHaveLength(3);
  });
});
