import { describe, expect, it } from 'vitest';
import { ANNOTATION, createCli, sample } from './fixture.ts';

const SOURCE = 'https://example.com/bastions.git#main';

async function createOrders(annotations: Record<string, string> = {}) {
  const cli = createCli();
  await cli.sourceApi.bastions.create(sample({}, { annotations: { note: 'kept', ...annotations } }));
  return cli;
}

describe('release', () => {
  it('takes a Bastion from its source with all that the source has said, and changes nothing else', async () => {
    const cli = await createOrders({
      [ANNOTATION.source]: SOURCE,
      [ANNOTATION.sourcePath]: 'orders.yaml',
      [ANNOTATION.sourceCommit]: 'abc',
      [ANNOTATION.sourceError]: 'bad',
      [ANNOTATION.activateFrom]: '2026-11-23T07:00:00Z',
    });
    const before = await cli.api.bastions.get('default', 'orders');
    expect(await cli.run('release orders')).toEqual({
      ...{ code: 0, err: '' },
      out: `bastion.bastion-operator.dev/orders released from ${SOURCE}\n`,
    });
    const { metadata, spec } = await cli.api.bastions.get('default', 'orders');
    expect(metadata.annotations).toEqual({ note: 'kept', [ANNOTATION.activateFrom]: '2026-11-23T07:00:00Z' });
    expect({ spec, generation: metadata.generation }).toEqual({
      spec: before.spec,
      generation: before.metadata.generation,
    });
    expect((await cli.run('release orders')).out).toContain('unchanged (belongs to no source)');
  });

  it('hands a Bastion over to a source, once', async () => {
    const cli = await createOrders();
    expect((await cli.run(`release orders --to ${SOURCE} --dry-run=server`)).out).toContain(
      '(server dry run)',
    );
    expect((await cli.run(`release orders --to ${SOURCE}`)).out).toContain(`handed over to ${SOURCE}\n`);
    const { metadata } = await cli.api.bastions.get('default', 'orders');
    expect(metadata.annotations?.[ANNOTATION.source]).toBe(SOURCE);
    expect((await cli.run(`release orders --to ${SOURCE}`)).out).toContain(
      `unchanged (belongs to ${SOURCE} already)`,
    );
  });

  it('refuses what no source can be called, and goes on after a name that does not exist', async () => {
    const cli = await createOrders({ [ANNOTATION.source]: SOURCE });
    expect((await cli.run('release orders --to https://example.com/x')).err).toMatch(
      /allowed: URL#ref\[:path\]/,
    );
    const secret = await cli.run('release orders --to https://user:hunter2@example.com/x#main');
    expect(secret.err).toBe('error: --to: leave the password out: the source is named without it\n');
    const { code, out, err } = await cli.run('release missing orders');
    expect({ code, out }).toMatchObject({ code: 1, out: expect.stringContaining('orders released') });
    expect(err).toContain('"missing" not found');
  });
});
