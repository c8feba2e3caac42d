import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LEASE_NAME } from '../../controller/reconcile/holder.ts';
import { manifestOf } from '../reconcile/harness.ts';
import { build } from './build.ts';
import { type Controller, openReplicaBed, type ReplicaBed } from './replica-bed.ts';

const PATIENCE = { timeout: 25_000, interval: 50 };
/** What README promises. */
const LONGEST_STOP_MS = 5_000;
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
  it('begins nothing more, and gives the lease away when what is under way has ended', async () => {
    const { one, release } = await startInPass();
    one.child.kill('SIGTERM');
    await expect.poll(() => messages(one), PATIENCE).toContain('stopping');
    // What goes beside that call was sent before.
    const saidAt = one.calls.length;
    expect(one.child.exitCode).toBeNull();
    release();
    await one.ended;
    expect([one.child.exitCode, messages(one).at(-1)]).toEqual([0, 'stopped']);
    expect(messages(one).join()).not.toContain('in the middle of a pass');
    expect(one.calls).toHaveLength(saidAt);
    expect(await holder()).toBe('');
  }, 60_000);

  it.each([['does not answer', []] as const, ['does not answer, told twice', ['SIGTERM']] as const])(
    'ends in time all the same when AWS %s, and another one finishes what it began',
    async (_what, again) => {
      const { one, release } = await startInPass();
      const next = await bed.start('two', '--lease', '4s');
      await expect.poll(() => messages(next), PATIENCE).toContain('standing by');
      const toldAt = Date.now();
      one.child.kill('SIGTERM');
      await expect.poll(() => messages(one), PATIENCE).toContain('stopping');
      for (const signal of again) one.child.kill(signal);
      await expect.poll(() => messages(next), PATIENCE).toContain('leading');
      expect(Date.now() - toldAt).toBeLessThan(LONGEST_STOP_MS);
      await one.ended;
      expect(Date.now() - toldAt).toBeLessThan(LONGEST_STOP_MS);
      expect([one.child.exitCode, messages(one).at(-1)]).toEqual([0, 'stopped']);
      expect(messages(one).join()).toContain('in the middle of a pass');
      release();
      // The next one finds what was made, and makes no second one.
      const before = (await bed.keys()).filter((key) => key.startsWith('security-group/'));
      await expect
        .poll(async () => (await bed.api.bastions.list()).items[0]?.status?.phase, PATIENCE)
        .toBe('Ready');
      const groups = (await bed.keys()).filter((key) => key.startsWith('security-group/'));
      expect(groups).toEqual([...new Set(groups)]);
      expect(groups).toEqual(expect.arrayContaining(before));
    },
    90_000,
  );
});

describe('a controller that is told to stop while the table does not answer', () => {
  it.each([['one'], ['two']])(
    'ends in time (%s of a leader and a standby)',
    async (name) => {
      const leader = await bed.start('one', '--lease', '4s');
      await expect.poll(() => messages(leader), PATIENCE).toContain('leading');
      const standby = await bed.start('two', '--lease', '4s');
      await expect.poll(() => messages(standby), PATIENCE).toContain('standing by');
      const stopped = name === 'one' ? leader : standby;
      const release = bed.holdTable();
      const toldAt = Date.now();
      stopped.child.kill('SIGTERM');
      await stopped.ended;
      expect(Date.now() - toldAt).toBeLessThan(LONGEST_STOP_MS);
      release();
    },
    60_000,
  );
});
