import { afterEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../controller/machinery/object.ts';
import { visible } from '../../controller/machinery/text.ts';
import { formatBackup, loadBackup, parseBackup, takeBackup } from '../../controller/store/backup.ts';
import type { Store } from '../../controller/store/store.ts';
import { createDynaliteSubject } from './dynalite.ts';
import { createMemorySubject } from './memory.ts';
import { COLLECTIONS, type Subject, thing } from './subject.ts';

const SUBJECTS: readonly (readonly [string, () => Promise<Subject>])[] = [
  ['memory', async () => createMemorySubject()],
  ['DynamoDB', createDynaliteSubject],
];

describe.each(SUBJECTS)('a backup of a store in %s', (_, createSubject) => {
  const subjects: Subject[] = [];
  const open = async () => {
    const subject = await createSubject();
    subjects.push(subject);
    return { ...subject, store: subject.open() };
  };
  afterEach(async () => {
    for (const subject of subjects.splice(0)) await subject.close();
  });

  it('holds everything but what was deleted, and gives it back in another store', async () => {
    const { store, clock } = await open();
    for (const collection of COLLECTIONS) await store.put(collection, thing(`a-${collection}`), undefined);
    const gone = await store.put('bastions', thing('gone'), undefined);
    await store.delete('bastions', 'default/gone', gone.metadata.resourceVersion);
    const text = formatBackup(await takeBackup(store, clock));

    const second = await open();
    await loadBackup(second.store, parseBackup(text));
    for (const collection of COLLECTIONS) {
      const names = async (from: typeof store) => (await from.list(collection)).items.map(bare);
      expect(await names(second.store)).toEqual(await names(store));
    }
  });

  it('is of one moment, though others write while it is read', async () => {
    const { store, clock } = await open();
    let first = await store.put('bastions', thing('first'), undefined);
    let hasWritten = false;
    const writing: Pick<Store, 'list' | 'watch'> = {
      watch: (options) => store.watch(options),
      async list<T extends KubeObject>(collection: Parameters<typeof store.list>[0]) {
        const answer = await store.list<T>(collection);
        if (collection === 'bastions' && !hasWritten) {
          hasWritten = true;
          first = await store.put(
            'bastions',
            { ...first, spec: 2 } as KubeObject,
            first.metadata.resourceVersion,
          );
          await store.put('guards', thing('late'), undefined);
        }
        return answer;
      },
    };
    const { entries, revision } = await takeBackup(writing, clock);
    expect(revision).toBe(3);
    const found = entries.map(({ object }) => `${object.metadata.name} ${object.metadata.resourceVersion}`);
    expect(found).toEqual(['late 3', 'first 2']);
  });
});

describe('a text that is no whole backup', () => {
  const whole = formatBackup({
    takenAt: '2026-11-23T09:00:00Z',
    revision: 1,
    entries: [{ collection: 'bastions', object: thing('orders') }],
  });

  it.each([
    ['is empty', '', /line 1: found something else, allowed: bastion-operator.dev\/backup-v1/],
    ['was cut off', whole.split('\n').slice(0, 2).join('\n'), /cut off or was changed: 0 objects/],
    ['was cut off in a line', whole.slice(0, 150), /line 2: is no JSON object/],
    ['lacks an object', whole.replace(/^.*orders.*\n/m, ''), /cut off or was changed/],
    [
      'is of a later version',
      whole.replace('backup-v1', 'backup-v2'),
      /found "bastion-operator.dev\/backup-v2"/,
    ],
    [
      'names an unknown collection',
      whole.replace('"bastions"', '"castles"'),
      /line 2: collection: found "castles"/,
    ],
    ['says something else by now', whole.replace('"orders"', '"others"'), /its digest is another/],
    ['has a nameless object', whole.replace('"name":"orders",', ''), /line 2: object has no name/],
  ])('that %s is refused, and says so', (_, text, message) => {
    expect(() => parseBackup(text)).toThrow(message);
  });

  it('is none of earlier versions, which count only', () => {
    const earlier = whole.replace(/,"sha256":"\w+"/, '');
    expect(earlier).not.toBe(whole);
    expect(parseBackup(earlier)).toEqual(parseBackup(whole));
  });

  it('is the same after a way that escapes what steers terminals, or ends lines as Windows does', () => {
    const hostile = { ...thing('orders'), spec: { reason: `a\u202eb\u009b\u2028c` } } as KubeObject;
    const entries = [{ collection: 'bastions' as const, object: hostile }];
    const text = formatBackup({ takenAt: '2026-11-23T09:00:00Z', revision: 1, entries });
    expect(visible(text)).toBe(text);
    expect(parseBackup(text).entries).toEqual(entries);
    expect(parseBackup(text.replaceAll('\n', '\r\n')).entries).toEqual(entries);
  });
});

/** As a store gives it: the place in its own history is no part of what was backed up. */
function bare({ metadata: { resourceVersion: _, ...metadata }, ...object }: KubeObject) {
  return { ...object, metadata };
}
