import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManifests } from '../../controller/api/manifest.ts';
import { validateBastion } from '../../controller/api/schema.ts';
import { fromHub, toHub, VERSIONS, versionOf } from '../../controller/api/versions.ts';
import { sample } from './sample.ts';

const full = () =>
  sample({
    idleTimeout: '30m',
    network: { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef0'], path: 'Nat' },
  });

describe('a Bastion in v1beta1', () => {
  it('says route for how AWS is reached, and keeps what ends an idle one together', () => {
    const { apiVersion, spec } = fromHub(full(), 'v1beta1') as unknown as Record<string, unknown>;
    expect(apiVersion).toBe('bastion-operator.dev/v1beta1');
    expect(spec).toMatchObject({ network: { route: 'Nat' }, idle: { timeout: '30m' } });
    expect(spec).not.toHaveProperty('idleTimeout');
    expect(spec).not.toHaveProperty('network.path');
  });

  it.each(VERSIONS)('loses nothing on the way to %s and back, and changes nothing in place', (version) => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    const anything = fc.dictionary(fc.constantFrom('a', 'ttl', 'targets', '__x'), leaf);
    const bastion = fc.record(
      {
        network: fc.record({ vpcId: fc.string(), path: leaf, more: anything }, { requiredKeys: [] }),
        idleTimeout: leaf,
        rest: anything,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(bastion, anything, (spec, status) => {
        const hub = { ...sample(), spec, status };
        const before = structuredClone(hub);
        const there = fromHub(hub, version);
        expect(versionOf(there)).toBe(version);
        // A network that holds its route only goes and comes back with it.
        expect(toHub(there)).toEqual(before);
        expect(hub).toEqual(before);
      }),
    );
  });

  it('is read from a manifest as the one it is in v1alpha1', () => {
    const [document] = parseManifests(JSON.stringify(fromHub(full(), 'v1beta1')), { source: 'a.yaml' });
    expect(document).toMatchObject({ ok: true, manifest: full() });
    expect(validateBastion(document?.ok ? document.manifest : undefined)).toMatchObject({ ok: true });
  });

  it('does not know the names of v1alpha1, and a version that nobody knows is refused', () => {
    const mixed = { ...full(), apiVersion: 'bastion-operator.dev/v1beta1' };
    const read = (object: object) => parseManifests(JSON.stringify(object), { source: 'a.yaml' })[0];
    expect(read(mixed)).toMatchObject({
      ok: false,
      name: 'orders',
      errors: [
        { field: 'spec.network.path', message: 'unknown field in v1beta1, did you mean spec.network.route?' },
        { field: 'spec.idleTimeout', message: 'unknown field in v1beta1, did you mean spec.idle.timeout?' },
      ],
    });
    expect(read({ ...full(), apiVersion: 'bastion-operator.dev/v9' })).toMatchObject({
      ok: false,
      errors: [{ field: 'apiVersion' }],
    });
  });
});
