import { load } from 'js-yaml';
import { afterEach, expect, it } from 'vitest';
import { sample } from '../../server/fixture.ts';
import { BASTIONS, createRig, type Json, type Rig } from '../rig.ts';

let rig: Rig;

afterEach(() => rig.close());

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const PARTIAL = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

async function fill(count: number): Promise<void> {
  rig = await createRig();
  for (let index = 0; index < count; index++) {
    const annotations = { note: `${'x'.repeat(30_000)}\n\n  é: "${index}"\n` };
    await rig.call('POST', BASTIONS, { body: sample({}, { name: `orders-${index}`, annotations }) });
  }
}

/** What the items of a list say, however it is written. */
function notesOf(list: Json): unknown[] {
  const items = (list.items ?? list.rows ?? []) as Json;
  return items.map((item) => item.metadata ?? item.object?.metadata);
}

it.each([0, 1, 20])('a list of %i says the same in every form', async (count) => {
  await fill(count);
  const get = (path: string, Accept = 'application/json') => rig.call('GET', path, { headers: { Accept } });
  const plain = await get(BASTIONS);
  expect(Object.keys(plain.json)).toEqual(['kind', 'apiVersion', 'metadata', 'items']);
  expect(plain.json.items).toHaveLength(count);
  const pretty = await get(`${BASTIONS}?pretty=true`);
  expect(pretty.text).toBe(`${JSON.stringify(plain.json, null, 2)}\n`);
  const yaml = await get(BASTIONS, 'application/yaml');
  expect(load(yaml.text)).toEqual(plain.json);
  for (const form of [TABLE, PARTIAL]) {
    const other = await get(BASTIONS, form);
    expect(notesOf(other.json)).toEqual(notesOf(plain.json));
  }
  const whole = await get(`${BASTIONS}?includeObject=Object`, TABLE);
  expect(whole.json.rows?.map(({ object }) => object)).toEqual(plain.json.items);
});
