import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bastion } from '../../controller/api/bastion.ts';
import { sample } from '../api/sample.ts';
import { manifest, SourceWorld } from './world.ts';

/** As people write it, so that a line can lose its place. */
function yaml(name: string, { namespace = 'payments', ttl = '4h' } = {}): string {
  const { apiVersion, kind, spec } = sample({ ttl }, { name });
  const header = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  namespace: ${namespace}\n  name: ${name}\n`;
  return `${header}spec: ${JSON.stringify(spec)}\n`;
}

/** Which Bastion a broken manifest is about: not only the one that it seems to name. */
describe('a manifest with a mistake in it', () => {
  let world: SourceWorld;
  beforeEach(async () => {
    world = new SourceWorld();
    await world.commit({ 'e1.yaml': yaml('e1'), 'b.yaml': manifest('b') });
  });
  afterEach(() => world.remote.remove());

  const e1 = (): Promise<Bastion> => world.api.bastions.get('payments', 'e1');
  const sourceError = async () => (await e1()).metadata.annotations?.['bastion-operator.dev/source-error'];

  const line = '  namespace: payments';
  const mistakes: readonly (readonly [string, string])[] = [
    ['whose namespace has lost its indent', yaml('e1').replace(line, line.trim())],
    ['whose namespace is spelt wrongly', yaml('e1').replace('namespace', 'namespce')],
    ['without its namespace and with a wrong TTL', yaml('e1', { ttl: '4x' }).replace(`${line}\n`, '')],
    ['that got another namespace and a wrong TTL', yaml('e1', { namespace: 'other', ttl: '4x' })],
    ['that got another name and a wrong TTL', yaml('e1-db', { ttl: '4x' })],
    [
      'that is encrypted in place',
      yaml('e1').replace(/: .+$/gm, ': ENC[AES256_GCM,data:Tr7o,iv:1vBl,tag:q2M=,type:str]'),
    ],
    ['that is a template', yaml('e1').replace(/^(apiVersion|kind): .*$/gm, '$1: $${VALUE}')],
    ['with a name that is none', yaml('e1').replace('name: e1', 'name: E 1')],
  ];

  it.each(mistakes)('%s keeps the Bastion of its file, and says so on it', async (_, content) => {
    for (const change of [{ 'e1.yaml': content }, { 'README.md': 'hello' }]) {
      expect((await world.commit(change)).deleted).toEqual([]);
      expect(await sourceError()).toMatch(/^e1.yaml: /);
    }
    await world.commit({ 'e1.yaml': yaml('e1', { ttl: '1h' }) });
    expect(await sourceError()).toBeUndefined();
    expect((await world.commit({ 'e1.yaml': undefined })).deleted).toEqual(['payments/e1']);
  });

  it.each(mistakes.filter(([what]) => !what.includes('that got another')))(
    '%s is in doubt where its file is renamed, too',
    async (_, content) => {
      await world.commit({ 'e1.yaml': undefined, 'e1-db.yaml': content });
      expect((await world.commit({ 'README.md': 'hello' })).deleted).toEqual([]);
      expect(await sourceError()).toContain('e1-db.yaml may be its new place');
    },
  );

  it.each([
    ['v1', 'ConfigMap'],
    ['networking.k8s.io/v1beta1', 'Ingress'],
  ])('has nothing to do with one of %s that is a %s', async (apiVersion, kind) => {
    const other = JSON.stringify({ apiVersion, kind, metadata: { name: 'e1' } });
    const { deleted, problems } = await world.commit({ 'e1.yaml': undefined, 'e1-db.yaml': other });
    expect(deleted).toEqual(['payments/e1']);
    expect(problems).toEqual([]);
  });

  it.each(['', ' \n\n', '\ufeff'])(
    'keeps the Bastion of a file that holds nothing but %j',
    async (content) => {
      for (const change of [{ 'e1.yaml': content }, { 'README.md': 'hello' }]) {
        expect((await world.commit(change)).deleted).toEqual([]);
        expect(await sourceError()).toBe('e1.yaml: is empty. Delete the file to delete its Bastion.');
      }
      expect((await world.commit({ 'e1.yaml': undefined })).deleted).toEqual(['payments/e1']);
    },
  );

  it('deletes what is commented out, and asks first where only empty files are left', async () => {
    const comments = yaml('e1').replace(/^/gm, '# ');
    expect((await world.commit({ 'e1.yaml': comments })).deleted).toEqual(['payments/e1']);
    await world.commit({ 'c.yaml': '' });
    expect((await world.commit({ 'b.yaml': undefined })).state).toBe('emptied');
  });

  it('holds back nothing that a sound document of the same file declares, or that was in another file', async () => {
    const broken = yaml('e1-db', { ttl: '4x' });
    await world.commit({ 'e1.yaml': `${broken}---\n${yaml('e1', { ttl: '1h' })}`, 'b.yaml': undefined });
    expect(await world.names()).toEqual(['e1']);
    expect((await e1()).spec.ttl).toBe('1h');
    expect(await sourceError()).toBeUndefined();
  });
});
