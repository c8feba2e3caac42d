import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { systemClock } from '../../controller/app/process/clock.ts';
import { openEmbeddedStore } from '../../controller/store/embedded.ts';
import { thing } from '../store/subject.ts';

/** Writes to the store without end, and then to a file of its own what was acknowledged: `node store-writer.ts DATA-DIR FILE`. */
const [, , dataDir = '', acknowledged = ''] = process.argv;
const { store } = await openEmbeddedStore({ dataDir, clock: systemClock(), newId: randomUUID });
for (;;) {
  const name = randomUUID();
  const { metadata } = await store.put('bastions', thing(name, { text: 'x'.repeat(2_000) }), undefined);
  appendFileSync(acknowledged, `${metadata.resourceVersion} ${name}\n`);
}
