import { expect, it } from 'vitest';
import { rememberScope } from '../../controller/reconcile/scopes.ts';
import { fenceStore } from '../../controller/store/fence.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from './memory.ts';

it('reads for everybody and writes only for one who may', async () => {
  const clock = new VirtualClock();
  const store = createMemorySubject(clock).open();
  let mayWrite = true;
  const fenced = fenceStore(store, () => mayWrite);
  await rememberScope(fenced, clock, { accountId: '111111111111', region: 'eu-west-1' });
  mayWrite = false;
  const { items, revision } = await fenced.list('scopes');
  const [known] = items;
  if (!known) throw new Error('nothing was written');
  const { resourceVersion } = known.metadata;
  const name = 'bastion-system/111111111111.eu-west-1';
  await expect(fenced.put('scopes', known, resourceVersion)).rejects.toThrow('store.put was not sent');
  await expect(fenced.delete('scopes', name, resourceVersion)).rejects.toThrow('store.delete was not sent');
  await expect(fenced.trim(0)).rejects.toThrow('store.trim was not sent');
  expect((await store.list('scopes')).revision).toBe(revision);
  await fenced.close();
});
