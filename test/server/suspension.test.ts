import { describe, expect, it } from 'vitest';
import { ANNOTATION, type Bastion } from '../../controller/api/bastion.ts';
import { sample } from '../api/sample.ts';
import { createFixture } from './fixture.ts';

const SUSPENDED = { spec: { suspend: true } };

async function createOrders() {
  const fixture = createFixture();
  await fixture.api.bastions.create(sample());
  return fixture;
}

function marks({ metadata: { annotations = {} } }: Bastion) {
  return [annotations[ANNOTATION.suspendedBy], annotations[ANNOTATION.suspendedAt]];
}

describe('a Bastion that is suspended', () => {
  it('says by which client and since when, as long as it is', async () => {
    const { api, clock } = await createOrders();
    const at = new Date(clock.now()).toISOString().replace('.000', '');
    const patch = (body: object, fieldManager: string) =>
      api.bastions.patch('default', 'orders', body, { fieldManager });
    expect(marks(await patch(SUSPENDED, 'kubectl-patch'))).toEqual(['kubectl-patch', at]);
    await clock.advance(60_000);
    expect(marks(await patch({ ...SUSPENDED, metadata: { labels: { a: 'b' } } }, 'other'))).toEqual([
      'kubectl-patch',
      at,
    ]);
    const { annotations: _none, ...metadata } = (await api.bastions.get('default', 'orders')).metadata;
    const replaced = { ...(await api.bastions.get('default', 'orders')), metadata };
    expect(marks(await api.bastions.update(replaced))).toEqual(['kubectl-patch', at]);
    const resumed = await patch({ spec: { suspend: null } }, 'kubectl-edit');
    expect(resumed.metadata.annotations).toEqual({});
  });

  it('names the person whom the client names, and the one who was first', async () => {
    const { api } = await createOrders();
    const by = (name: string) => ({
      ...SUSPENDED,
      metadata: { annotations: { [ANNOTATION.suspendedBy]: name } },
    });
    for (const name of ['alice', 'bob'])
      expect(marks(await api.bastions.patch('default', 'orders', by(name)))[0]).toBe('alice');
  });

  it('says so when it was applied by the server or by JSON patch, too', async () => {
    const { api } = await createOrders();
    const configuration = { ...sample(), ...{ spec: { ...sample().spec, suspend: true } } };
    const options = { fieldManager: 'ci', force: true };
    const { object } = await api.bastions.apply('default', 'orders', configuration, options);
    expect(marks(object)[0]).toBe('ci');
    const owned = JSON.stringify(object.metadata.managedFields);
    expect(owned).not.toContain(ANNOTATION.suspendedBy);
    const operations = [{ op: 'replace', path: '/spec/suspend', value: false }];
    expect(marks(await api.bastions.jsonPatch('default', 'orders', operations))).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('is not opened against its file, unless it is taken out of git', async () => {
    const { api, sourceApi } = await createOrders();
    const annotations = { [ANNOTATION.source]: 'repo#main', [ANNOTATION.suspendedBy]: 'git' };
    await sourceApi.bastions.patch('default', 'orders', { ...SUSPENDED, metadata: { annotations } });
    const open = { spec: { suspend: false } };
    const claimed = { ...open, metadata: { annotations: { [ANNOTATION.suspendedBy]: 'alice' } } };
    for (const patch of [open, claimed])
      await expect(api.bastions.patch('default', 'orders', patch)).rejects.toThrow('spec.suspend: Forbidden');
    const marked = await api.bastions.patch('default', 'orders', { metadata: claimed.metadata });
    expect(marks(marked)[0]).toBe('git');
    const released = { ...open, metadata: { annotations: { [ANNOTATION.source]: null } } };
    expect((await api.bastions.patch('default', 'orders', released)).spec.suspend).toBe(false);
  });
});

it('cannot be marked as suspended by its file by anybody but its source', async () => {
  const { api } = await createOrders();
  const annotations = { [ANNOTATION.suspendedBy]: 'git' };
  const patch = { ...SUSPENDED, metadata: { annotations } };
  const marked = await api.bastions.patch('default', 'orders', patch, { fieldManager: 'kubectl' });
  expect(marks(marked)[0]).toBe('kubectl');
});
