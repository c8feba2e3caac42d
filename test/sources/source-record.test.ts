import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../controller/api/client.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { parseGitSpec, sourceId } from '../../controller/sources/git-spec.ts';
import { NO_MEMORY } from '../../controller/sources/memory.ts';
import {
  type GitSource,
  markUnconfigured,
  readSource,
  type SourceStatus,
  writeSource,
} from '../../controller/sources/source-record.ts';
import type { Store } from '../../controller/store/store.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';

const SPEC = parseGitSpec('https://git.example.com/team/bastions.git#main');
const SYNCED: SourceStatus = { state: 'synced', message: '1 Bastion declared.', commit: 'a'.repeat(40) };
const UNREACHABLE: SourceStatus = { ...SYNCED, state: 'unreachable', message: 'timed out after 60001 ms' };
const NINE = '2026-11-23T09:00:00Z';

describe('the record of a git source', () => {
  let clock: VirtualClock;
  let store: Store;
  let api: ApiClient;
  beforeEach(() => {
    clock = new VirtualClock(NINE);
    store = createMemorySubject(clock).open();
    api = createFacade({ store, clock, newUid: () => 'uid' });
  });
  const write = async (status: SourceStatus, problems: readonly { message: string }[] = []) =>
    writeSource({ store, clock, spec: SPEC }, await readSource(store, SPEC), {
      ...{ status, problems, memory: undefined },
    });
  const shown = async () => (await api.gitsources.get('bastion-system', sourceId(SPEC))).status;
  const revision = async () => (await store.list('sources')).revision;

  it('says since when it is in its state, and when it was last read', async () => {
    await write(SYNCED);
    await clock.advance(60_000);
    await write(UNREACHABLE, [{ message: UNREACHABLE.message }]);
    await clock.advance(60_000);
    await write(UNREACHABLE, [{ message: UNREACHABLE.message }]);
    expect(await shown()).toMatchObject({
      ...{ state: 'unreachable', since: '2026-11-23T09:01:00Z', lastSuccessAt: NINE },
      ...{ problemCount: 1, problems: [{ message: 'timed out after 60001 ms' }] },
      conditions: [{ type: 'Synced', status: 'False', reason: 'Unreachable' }],
    });
  });

  it('keeps the time of its condition while it goes from one trouble into another', async () => {
    await write(UNREACHABLE);
    await clock.advance(60_000);
    await write({ ...SYNCED, state: 'gone' });
    expect(await shown()).toMatchObject({
      since: '2026-11-23T09:01:00Z',
      conditions: [{ status: 'False', reason: 'Gone', lastTransitionTime: NINE }],
    });
  });

  it('is written seldom while nothing happens: each five minutes, and never for a number in a message', async () => {
    await write(SYNCED);
    const before = await revision();
    for (let poll = 0; poll < 80; poll++) {
      await clock.advance(15_000);
      await write(SYNCED);
    }
    expect((await revision()) - before).toBe(4);
    await write(UNREACHABLE);
    const down = await revision();
    for (let poll = 0; poll < 80; poll++) {
      await clock.advance(15_000);
      await write({ ...UNREACHABLE, message: `timed out after ${60_000 + poll} ms` });
    }
    expect(await revision()).toBe(down);
  });

  it('is answered once where the state is another, to be told', async () => {
    expect(await write(SYNCED)).toMatchObject({ status: { state: 'synced' } });
    expect(await write({ ...SYNCED, commit: 'b'.repeat(40) })).toBe(undefined);
    expect(await write(UNREACHABLE)).toMatchObject({ status: { state: 'unreachable' } });
    expect(await write(UNREACHABLE)).toBe(undefined);
  });

  it('says once that its source is configured no more, and keeps what was known', async () => {
    await write(SYNCED);
    await clock.advance(60_000);
    expect(await markUnconfigured({ store, clock }, new Set([SPEC.display]))).toEqual([]);
    const marked = await markUnconfigured({ store, clock }, new Set());
    expect(marked).toMatchObject([{ status: { state: 'unconfigured' } }]);
    expect(await markUnconfigured({ store, clock }, new Set())).toEqual([]);
    expect(await shown()).toMatchObject({ since: '2026-11-23T09:01:00Z', commit: SYNCED.commit });
  });

  it('can be written over the API by nobody, and shows nothing that is only remembered', async () => {
    await write(SYNCED);
    const [name, namespace] = [sourceId(SPEC), 'bastion-system'];
    const refused = {
      reason: 'MethodNotAllowed',
      message: expect.stringContaining('read-only here; which sources'),
    };
    await expect(api.gitsources.patch(namespace, name, { status: { state: 'gone' } })).rejects.toMatchObject(
      refused,
    );
    await expect(api.gitsources.delete(namespace, name)).rejects.toMatchObject(refused);
    const record = await readSource(store, SPEC);
    if (!record) throw new Error('no record');
    const more: GitSource = { ...record, memory: NO_MEMORY };
    await store.put('sources', more, record.metadata.resourceVersion);
    expect(Object.keys(await api.gitsources.get(namespace, name))).not.toContain('memory');
  });
});
