import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANNOTATION, type Bastion } from '../../controller/api/bastion.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { build, ROOT } from '../e2e/build.ts';
import { manifestOf } from '../reconcile/harness.ts';
import { type OperationsBed, openOperationsBed } from './operations-bed.ts';

const PATIENCE = { timeout: 40_000, interval: 300 };
const LONGEST_MS = 200_000;
const MINUTE = 60_000;
const ENDPOINTS_GONE = ['deleted', 'deleting'];

/** The commands of each section, in order; those of the beginning stand before all others. */
const SECTIONS = sectionsOf(readFileSync(join(ROOT, 'deploy/OPERATIONS.md'), 'utf8'));

function sectionsOf(markdown: string): ReadonlyMap<string, string> {
  const [head = '', ...sections] = markdown.split(/^## /m);
  const blocks = (text: string) =>
    [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block).join('');
  return new Map(
    sections.map((text) => [text.slice(0, text.indexOf('\n')), `${blocks(head)}${blocks(text)}`]),
  );
}

describe('the commands of deploy/OPERATIONS.md', () => {
  let bed: OperationsBed;
  const done = new Set<string>();
  const prelude = 'AT="--aws=real --region ap-northeast-1 --table bastion-operator"\n';

  beforeAll(async () => {
    await build();
    bed = await openOperationsBed();
    await bed.sh(
      'aws dynamodb create-table --table-name bastion-operator --billing-mode PAY_PER_REQUEST --deletion-protection-enabled ' +
        '--attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S ' +
        '--key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE',
    );
    await bed.scale(1);
  }, LONGEST_MS);
  afterAll(() => bed?.close());

  async function run(section: string): Promise<string> {
    done.add(section);
    const script = SECTIONS.get(section);
    if (script === undefined) throw new Error(`no section "${section}"`);
    return bed.sh(script);
  }
  const get = async (name: string): Promise<Bastion> =>
    JSON.parse(await bed.sh(`${prelude}bastionctl get bastion ${name} -o json $AT 2>/dev/null`));
  const isPhase = (name: string, phase: string) =>
    expect.poll(async () => (await get(name)).status?.phase, PATIENCE).toBe(phase);
  const write = (name: string, ttl = '2h') =>
    writeFileSync(join(bed.dir, `${name}.yaml`), JSON.stringify(manifestOf(name, { ttl })));
  async function openBastion(...given: Parameters<typeof write>): Promise<void> {
    write(...given);
    const [name] = given;
    await bed.sh(`${prelude}bastionctl apply -f ${name}.yaml $AT`);
    await isPhase(name, 'Ready');
  }
  const keyOf = (uid: string) => JSON.stringify({ pk: { S: 'activation' }, sk: { S: uid } });
  /** As if it had been opened so much earlier: no other way leads there sooner than a TTL of five minutes. */
  async function putBack(name: string, byMs: number): Promise<void> {
    const { metadata, status: { activatedAt = '', expiresAt = '' } = {} } = await get(name);
    const earlier = (time: string) => ({ S: rfc3339(Date.parse(time) - byMs) });
    const values = JSON.stringify({ ':a': earlier(activatedAt), ':e': earlier(expiresAt) });
    await bed.sh(`aws dynamodb update-item --table-name bastion-operator --key '${keyOf(metadata.uid)}' \
      --update-expression 'SET activatedAt = :a, expiresAt = :e' --expression-attribute-values '${values}'`);
  }
  const running = () =>
    bed.simulator.ecs
      .tasks()
      .filter(({ desiredStatus }) => desiredStatus === 'RUNNING')
      .map(({ arn }) => arn);

  it(
    'stop and start the controllers without a word to the task',
    async () => {
      await openBastion('orders');
      const before = running();
      expect(before).toHaveLength(1);
      expect(await run('Stop and start the controllers')).toMatch(/orders +Ready/);
      await isPhase('orders', 'Ready');
      expect(running()).toEqual(before);
    },
    LONGEST_MS,
  );

  it(
    'back up, and restore with what was opened since',
    async () => {
      expect(await run('Back up the table')).toMatch(/"end":true,"objects":\d+/);
      await openBastion('late');
      const before = running();
      expect(before).toHaveLength(2);
      const said = await run('Restore a backup');
      expect(said).toMatch(/restored: 1 Bastion as of/);
      expect(said).toMatch(/unclaimed\.123456789012\.ap-northeast-1 +True +(Restored|ShrinkLimit)/);
      await isPhase('orders', 'Ready');
      await isPhase('late', 'Ready');
      expect(running()).toEqual(before);
    },
    LONGEST_MS,
  );

  it(
    'go back to a point in time',
    async () => {
      await run('Go back to a point in time');
      const lines = readFileSync(join(bed.dir, 'bastions.backup'), 'utf8').trim().split('\n');
      const names = lines
        .map((line) => JSON.parse(line))
        .filter(({ collection }) => collection === 'bastions');
      expect(names.map(({ object }) => object.metadata.name).sort()).toEqual(['late', 'orders']);
      await bed.scale(1);
    },
    LONGEST_MS,
  );

  it(
    'store Bastions in a newer version and in the older one again',
    async () => {
      const before = [running(), (await get('orders')).spec];
      const said = await run('Upgrade and roll back the version of stored Bastions');
      expect(said).toMatch(/stored as v1beta1: 2 rewritten[\s\S]*stored as v1alpha1: 2 rewritten/);
      await isPhase('orders', 'Ready');
      expect([running(), (await get('orders')).spec]).toEqual(before);
    },
    LONGEST_MS,
  );

  it(
    'move from a laptop to a table',
    async () => {
      mkdirSync(join(bed.dir, 'demo'));
      write('demo');
      await bed.sh(`bastionctl apply -f demo.yaml --data-dir demo
        aws dynamodb create-table --table-name laptop --billing-mode PAY_PER_REQUEST \
          --attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S \
          --key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE`);
      const section = 'Move from a laptop to a table';
      done.add(section);
      // The table of the other sections is not empty.
      const said = await bed.sh(
        SECTIONS.get(section)?.replace('--table bastion-operator', '--table laptop') ?? '',
      );
      expect(said).toMatch(/restored: 1 Bastion as of[\s\S]*demo +Pending/);
    },
    LONGEST_MS,
  );

  it(
    'move a Bastion into git and out of it, and its task notices neither',
    async () => {
      const before = running();
      const first = await get('orders');
      expect(await run('Move from the table to git')).toContain('orders handed over to');
      const commitOf = async () => (await get('orders')).metadata.annotations?.[ANNOTATION.sourceCommit];
      await expect.poll(commitOf, PATIENCE).toMatch(/^[0-9a-f]{40}$/);
      expect(await run('Move from git to the table')).toContain('orders released from');
      // Several looks of the source at a repository that does not declare it.
      const until = Date.now() + 4_000;
      await expect.poll(() => Date.now() > until, PATIENCE).toBe(true);
      const last = await get('orders');
      expect(last.metadata.annotations).not.toHaveProperty([ANNOTATION.source]);
      expect([last.metadata.uid, last.metadata.generation]).toEqual([
        first.metadata.uid,
        first.metadata.generation,
      ]);
      expect(last.status?.activatedAt).toBe(first.status?.activatedAt);
      expect(last.status?.phase).toBe('Ready');
      expect(running()).toEqual(before);
    },
    LONGEST_MS,
  );

  it(
    'end what ran out while no controller ran',
    async () => {
      await bed.sh(`${prelude}bastionctl delete bastion orders late --timeout=60s $AT`);
      await openBastion('orders', '5m');
      await bed.scale(0);
      await putBack('orders', 5 * MINUTE - 2_000);
      const { uid } = (await get('orders')).metadata;
      const expiresAt =
        await bed.sh(`aws dynamodb get-item --table-name bastion-operator --key '${keyOf(uid)}' \
        --query Item.expiresAt.S --output text`);
      await expect.poll(() => Date.now() > Date.parse(expiresAt.trim()), PATIENCE).toBe(true);
      expect(running()).toHaveLength(1);
      const said = await run('Down past a TTL');
      expect(said).toMatch(/vpce-\w+\s+com\.amazonaws\.ap-northeast-1\.ssmmessages\s+available/);
      expect(said).toContain('orders condition met');
      expect(running()).toEqual([]);
      expect((await get('orders')).status?.phase).toBe('Expired');
    },
    LONGEST_MS,
  );

  it(
    'end everything by hand',
    async () => {
      await bed.scale(1);
      await openBastion('last');
      await bed.scale(0);
      await run('End everything by hand');
      expect(running()).toEqual([]);
      const states = await bed.sh(
        "aws ec2 describe-vpc-endpoints --query 'VpcEndpoints[].State' --filters Name=tag-key,Values=bastion-operator.dev/key --output text",
      );
      expect(states.split(/\s+/).filter((state) => state !== '' && !ENDPOINTS_GONE.includes(state))).toEqual(
        [],
      );
    },
    LONGEST_MS,
  );

  it('leave out no section', () => {
    expect([...done].sort()).toEqual([...SECTIONS.keys()].sort());
  });
});
