import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LEASE_NAME } from '../../controller/reconcile/holder.ts';
import { manifestOf } from '../reconcile/harness.ts';
import { build } from './build.ts';
import { type Controller, openReplicaBed, type ReplicaBed } from './replica-bed.ts';

const PATIENCE = { timeout: 25_000, interval: 50 };
/** What containers give. */
const LONGEST_STOP_MS = 20_000;
const OPERATION = 'CreateSecurityGroup';

let bed: ReplicaBed;
beforeAll(build, 120_000);
beforeEach(async () => {
  bed = await openReplicaBed();
});
afterEach(() => bed.close());

const messages = ({ lines }: Controller) => lines().map(({ message }) => message);
const holder = async () => (await bed.store.readLease(LEASE_NAME))?.holder;

/** A controller in the middle of a pass: AWS has made a group, and does not say so. */
async function startInPass(): Promise<{ one: Controller; release: () => void }> {
  const one = await bed.start('one', '--lease', '4s');
  await expect.poll(() => messages(one), PATIENCE).toContain('leading');
  const release = bed.holdReplies(OPERATION);
  await bed.api.bastions.create(manifestOf('orders'));
  await expect.poll(() => one.calls, PATIENCE).toContain(OPERATION);
  return { one, release };
}

describe('a controller that is told to stop in the middle of a pass', () => {
  it('finishes the pass, tells what it did and gives the lease away', async () => {
    const { one, release } = await startInPass();
    one.child.kill('SIGTERM');
    await expect.poll(() => messages(one), PATIENCE).toContain('stopping');
    expect(one.child.exitCode).toBeNull();
    const saidAt = one.calls.length;
    release();
    const toldAt = Date.now();
    await one.ended;
    expect(Date.now() - toldAt).toBeLessThan(LONGEST_STOP_MS);
    expect([one.child.exitCode, messages(one).at(-1)]).toEqual([0, 'stopped']);
    expect(messages(one).join()).not.toContain('in the middle of a pass');
    // What was ready went on, its outcome is written down, and nothing new was begun.
    expect(one.calls.length).toBeGreaterThan(saidAt);
    const { items } = await bed.api.bastions.list();
    const told = (items[0]?.status?.resources ?? []).map(({ key }) => key);
    expect(told).toEqual(expect.arrayContaining(await bed.keys()));
    expect(await bed.keys()).toContainEqual(expect.stringMatching(/^security-group\//));
    expect(await holder()).toBe('');
  }, 60_000);

  it('ends in time all the same when AWS does not answer, and keeps the lease from others for its time', async () => {
    const { one, release } = await startInPass();
    const toldAt = Date.now();
    one.child.kill('SIGTERM');
    await one.ended;
    expect(Date.now() - toldAt).toBeLessThan(LONGEST_STOP_MS);
    expect([one.child.exitCode, messages(one).at(-1)]).toEqual([0, 'stopped']);
    expect(messages(one).join()).toContain('in the middle of a pass');
    expect(await holder()).not.toBe('');
    release();
    // The next one finds what was made, and makes no second one.
    const before = (await bed.keys()).filter((key) => key.startsWith('security-group/'));
    const next = await bed.start('two', '--lease', '4s');
    await expect.poll(() => messages(next), PATIENCE).toContain('leading');
    await expect
      .poll(async () => (await bed.api.bastions.list()).items[0]?.status?.phase, PATIENCE)
      .toBe('Ready');
    const groups = (await bed.keys()).filter((key) => key.startsWith('security-group/'));
    expect(groups).toEqual([...new Set(groups)]);
    expect(groups).toEqual(expect.arrayContaining(before));
  }, 90_000);
});
