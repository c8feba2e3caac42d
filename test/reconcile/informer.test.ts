import { describe, expect, it } from 'vitest';
import type { Bastion } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { ApiError } from '../../controller/machinery/api-error.ts';
import type { WatchEvent } from '../../controller/machinery/resources.ts';
import { Informer } from '../../controller/reconcile/informer.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';
import { manifestOf } from './harness.ts';

type Watch = ApiClient['bastions']['watch'];

function setUp(change: (api: ApiClient) => Partial<ApiClient['bastions']> = () => ({})) {
  const clock = new VirtualClock();
  let uid = 0;
  const store = createMemorySubject(clock).open();
  const api = createFacade({ store, clock, newUid: () => `uid-${++uid}` });
  const counts = { lists: 0, watches: 0 };
  const changed = { ...api.bastions, ...change(api) };
  const bastions: ApiClient['bastions'] = {
    ...changed,
    list: (query) => {
      counts.lists++;
      return changed.list(query);
    },
    watch: (query, signal) => {
      counts.watches++;
      return changed.watch(query, signal);
    },
  };
  const changes: { name: string; region: string | undefined; before: string | undefined }[] = [];
  const errors: unknown[] = [];
  const informer = new Informer({
    api: { ...api, bastions },
    clock,
    onChange: ({ metadata, spec }, before) =>
      changes.push({ name: metadata.name, region: spec.region, before: before?.spec.region }),
    onError: (error) => errors.push(error),
  });
  const stopping = new AbortController();
  const start = async () => {
    const running = informer.run(stopping.signal);
    await clock.advance(0);
    return running;
  };
  const names = () => informer.bastions().map(({ metadata }) => metadata.name);
  return { clock, store, api, informer, changes, errors, counts, stopping, start, names };
}

const isReal = (watch: Watch, limit: { left: number; end: () => void }): Watch =>
  async function* (query, signal): AsyncGenerator<WatchEvent<Bastion>> {
    if (limit.left-- > 0) return limit.end();
    yield* watch(query, signal);
  };

async function removeForGood(api: ApiClient, name: string): Promise<void> {
  await api.bastions.delete('default', name);
  await api.bastions.patch('default', name, { metadata: { finalizers: [] } });
}

describe('an informer', () => {
  it('tells of Bastions that are there, that come, that ask for something else and that go', async () => {
    const { api, clock, changes, start, names } = setUp();
    await api.bastions.create(manifestOf('first', { region: 'eu-west-1' }));
    void start();
    await clock.advance(0);
    await api.bastions.create(manifestOf('second'));
    await clock.advance(0);
    await api.bastions.patch('default', 'first', { spec: { ttl: '3h' } });
    await clock.advance(0);
    await removeForGood(api, 'first');
    await clock.advance(0);
    expect(changes).toEqual([
      { name: 'first', region: 'eu-west-1', before: undefined },
      { name: 'second', region: undefined, before: undefined },
      { name: 'first', region: 'eu-west-1', before: 'eu-west-1' },
      { name: 'first', region: 'eu-west-1', before: 'eu-west-1' },
      { name: 'first', region: 'eu-west-1', before: undefined },
    ]);
    expect(names()).toEqual(['second']);
  });

  it('keeps silent about statuses, but knows them', async () => {
    const { api, clock, changes, start, informer } = setUp();
    const bastion = await api.bastions.create(manifestOf('first'));
    void start();
    await clock.advance(0);
    await api.bastions.updateStatus({ ...bastion, status: { phase: 'Ready' } });
    await clock.advance(0);
    expect(changes).toHaveLength(1);
    expect(informer.bastions()[0]?.status?.phase).toBe('Ready');
  });

  it('tells of a renewal and of the wish to be deleted', async () => {
    const { api, clock, changes, start } = setUp();
    await api.bastions.create(manifestOf('first'));
    void start();
    await clock.advance(0);
    const annotations = { 'bastion-operator.dev/renewed-at': '2026-11-23T10:00:00Z' };
    await api.bastions.patch('default', 'first', { metadata: { annotations } });
    await clock.advance(0);
    await api.bastions.delete('default', 'first');
    await clock.advance(0);
    expect(changes).toHaveLength(3);
  });

  it('lists anew when its history has expired, and tells what it missed', async () => {
    const limit = {
      left: 1,
      end: () => {
        throw new ApiError('Expired', 'too old');
      },
    };
    const { api, clock, changes, errors, start, names } = setUp((real) => ({
      watch: isReal((query, signal) => real.bastions.watch(query, signal), limit),
    }));
    await api.bastions.create(manifestOf('first'));
    void start();
    await api.bastions.create(manifestOf('second'));
    await removeForGood(api, 'first');
    await clock.advance(10_000);
    expect(names()).toEqual(['second']);
    expect(changes.map(({ name }) => name)).toContain('second');
    expect(errors).toEqual([]);
  });

  it('does not spin over a watch that ends as soon as it begins', async () => {
    for (const end of [
      () => undefined,
      () => {
        throw new ApiError('Expired', 'too old');
      },
    ]) {
      const { clock, counts, start } = setUp((real) => ({
        watch: isReal((query, signal) => real.bastions.watch(query, signal), { left: 1_000_000, end }),
      }));
      void start();
      await clock.advance(60_000);
      expect(counts.lists).toBeGreaterThan(10);
      expect(counts.lists).toBeLessThan(40);
    }
  });

  it('keeps what it knows while lists fail, says so, and catches up', async () => {
    let failing = false;
    const { api, clock, errors, start, names } = setUp((real) => ({
      list: (query) =>
        failing ? Promise.reject(new ApiError('Unavailable', 'no store')) : real.bastions.list(query),
      watch: isReal((query, signal) => real.bastions.watch(query, signal), {
        left: 1,
        end: () => {
          failing = true;
        },
      }),
    }));
    await api.bastions.create(manifestOf('first'));
    void start();
    await clock.advance(20_000);
    expect(errors.length).toBeGreaterThan(3);
    expect(errors.length).toBeLessThan(15);
    expect(names()).toEqual(['first']);
    failing = false;
    await api.bastions.create(manifestOf('second'));
    await clock.advance(3_000);
    expect(names()).toEqual(['first', 'second']);
  });

  it('ends when it is told to, while watching and while waiting', async () => {
    const watching = setUp();
    const first = watching.start();
    await watching.clock.advance(0);
    watching.stopping.abort();
    await first;
    const waiting = setUp(() => ({ list: () => Promise.reject(new ApiError('Unavailable', 'no store')) }));
    const second = waiting.start();
    await waiting.clock.advance(0);
    waiting.stopping.abort();
    await second;
    expect([watching.errors, waiting.errors.length]).toEqual([[], 1]);
  });
});
