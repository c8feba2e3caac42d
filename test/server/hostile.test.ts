import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ApiError } from '../../controller/machinery/api-error.ts';
import { isRecord } from '../../controller/machinery/json.ts';
import type { FieldValidation } from '../../controller/machinery/resources.ts';
import { createFixture, FINALIZER, sample } from './fixture.ts';

const key = fc.constantFrom(
  ...['spec', 'metadata', 'status', 'ttl', 'targets', 'name', 'labels', 'annotations', 'finalizers', 'tags'],
  ...['managedFields', 'network', 'subnetIds', 'a', 'toString', 'resources', 'conditions', 'type', 'uid'],
  ...['resourceVersion', 'namespace', 'kubectl.kubernetes.io/last-applied-configuration'],
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, 1, 'x', '', true, '4h', 'orders', 'default', FINALIZER),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}));
const request = fc.record({
  sent: fc.dictionary(key, value, { maxKeys: 4 }),
  fieldValidation: fc.constantFrom<FieldValidation>('Strict', 'Warn', 'Ignore'),
  subresource: fc.constantFrom('status' as const, undefined),
  fieldManager: fc.constantFrom('kubectl', 'x'),
  force: fc.boolean(),
});

it('answers as an API whatever it is sent, and the object stays one', async () => {
  const { bastions } = createFixture().api;
  await bastions.create(sample(), { fieldManager: 'kubectl-create' });
  const answered = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error !== undefined && !(error instanceof ApiError)) throw error;
  };
  await fc.assert(
    fc.asyncProperty(request, async ({ sent, subresource, ...common }) => {
      const options = { ...common, ...(subresource ? { subresource } : {}) };
      const metadata = { ...(isRecord(sent['metadata']) ? sent['metadata'] : {}), name: 'orders' };
      const { apiVersion, kind } = sample();
      const whole = { apiVersion, kind, ...sent, metadata };
      const operations = Object.entries(sent).map(([name, content]) => {
        return { op: ['add', 'replace', 'test'][name.length % 3], path: `/${name}`, value: content };
      });
      await answered(bastions.apply('default', 'orders', whole, options));
      await answered(bastions.patch('default', 'orders', sent, options));
      await answered(bastions.jsonPatch('default', 'orders', operations, options));
      await answered(bastions.update(whole, options));
      await answered(bastions.create(whole, options));
      const stored = await bastions.get('default', 'orders');
      expect(stored.metadata.finalizers).toContain(FINALIZER);
    }),
    { numRuns: 250 },
  );
});

it('takes no longer for each item of a list the more of them are the same', async () => {
  const { bastions } = createFixture().api;
  await bastions.create(sample(), { fieldManager: 'x' });
  const finalizers = Array.from({ length: 40_000 }, () => 'example.com/same');
  const started = performance.now();
  const { object } = await bastions.apply('default', 'orders', sample({}, { finalizers }), {
    fieldManager: 'y',
  });
  expect(object.metadata.finalizers).toEqual([FINALIZER, 'example.com/same']);
  expect(performance.now() - started).toBeLessThan(5_000);
});

it('takes a last applied configuration that is nested without end for none', async () => {
  const { bastions } = createFixture().api;
  const spec = `${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}`;
  const { apiVersion } = sample();
  const applied = `{"apiVersion":"${apiVersion}","spec":${spec}}`;
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': applied };
  await bastions.create(sample({}, { annotations }), { fieldManager: 'x' });
  const { isCreated } = await bastions.apply('default', 'orders', sample(), { fieldManager: 'kubectl' });
  expect(isCreated).toBe(false);
});
