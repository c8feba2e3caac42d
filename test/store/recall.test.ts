import { expect, it } from 'vitest';
import type { ObjectName } from '../../controller/machinery/object.ts';
import type { LogEntry } from '../../controller/store/log.ts';
import { createRecall } from '../../controller/store/recall.ts';
import { thing } from './subject.ts';

function entry(revision: number, name: string, type: LogEntry['type'] = 'MODIFIED'): LogEntry {
  const id: ObjectName = `default/${name}`;
  const object = thing(name, { at: revision });
  return {
    ...{ revision, type, name: id, object },
    collection: 'bastions',
    write: `w${revision}`,
    timeMs: 0,
  };
}

function createCounted() {
  let reads = 0;
  const recall = createRecall({
    read: async () => {
      reads++;
      return undefined;
    },
  });
  return { recall, reads: () => reads };
}

it('does not remember without end what does not exist', async () => {
  const { recall, reads } = createCounted();
  const head = entry(1, 'orders');
  const names = Array.from(
    { length: 20_000 },
    (_, index): ObjectName => `default/${'x'.repeat(490)}${index}`,
  );
  for (const name of names) await recall.read(head, 'bastions', name);
  expect(reads()).toBe(20_000);
  // The newest are still known; the first had to make room for them.
  await recall.read(head, 'bastions', names[19_999] ?? 'a/b');
  expect(reads()).toBe(20_000);
  await recall.read(head, 'bastions', names[0] ?? 'a/b');
  expect(reads()).toBe(20_001);
});

it('forgets what others wrote while it did not look', async () => {
  const { recall, reads } = createCounted();
  await recall.read(entry(1, 'a'), 'bastions', 'default/b');
  await recall.read(entry(2, 'a'), 'bastions', 'default/b');
  expect(reads()).toBe(1);
  await recall.read(entry(4, 'a'), 'bastions', 'default/b');
  expect(reads()).toBe(2);
  expect(await recall.read(entry(5, 'b'), 'bastions', 'default/b')).toMatchObject({ at: 5 });
  expect(await recall.read(entry(6, 'b', 'DELETED'), 'bastions', 'default/b')).toBeUndefined();
  expect(reads()).toBe(2);
});
