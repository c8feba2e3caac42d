import { describe, expect, it } from 'vitest';
import type { Account } from '../../controller/api/estate.ts';
import { connect } from '../../controller/aws/clients.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import { ACCOUNT, newSimulator, REGION, SETTINGS } from './harness.ts';
import { createManagerBed, type ManagerBed, TERMS } from './manager-bed.ts';
import { ownedIn } from './owned.ts';

const MINUTE = 60_000;
const DATA: Account = { name: 'data', accountId: '222222222222' };

/** The controller's own account, and another one with AWS of its own. */
function setUp(accounts: readonly Account[] = [DATA]) {
  const bed = createManagerBed();
  const other = newSimulator(bed.clock);
  const state = { accounts, denied: false };
  const start = () =>
    bed.start('a', { terms: () => ({ ...TERMS, accounts: state.accounts }), ...places(bed, other, state) });
  return { bed, other, state, start };
}

function places(bed: ManagerBed, other: Simulator, state: { readonly denied: boolean }) {
  const credentials = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' };
  return {
    connectPlace: (place: { accountId: string; region: string }, mayCall: () => boolean) => {
      const isOwn = place.accountId === ACCOUNT;
      const { requestHandler } = isOwn ? bed.simulator : other;
      const assumed = async () => {
        if (state.denied && !isOwn)
          throw Object.assign(new Error('not authorized to perform: sts:AssumeRole'), {
            name: 'AccessDenied',
          });
        return credentials;
      };
      const scope = { ...place, installation: SETTINGS.installation };
      return connect({
        connection: { requestHandler, credentials: assumed },
        clock: bed.clock,
        scope,
        mayCall,
      });
    },
  };
}

const isReady = (bed: ManagerBed, name: string) => async () => (await bed.phase(name)) === 'Ready';

describe('a Bastion that names an account', () => {
  it('is opened there and nowhere else, beside one of the same name in the account of the controller', async () => {
    const { bed, other, start } = setUp();
    start();
    await bed.apply('far', { account: 'data' });
    await bed.runUntil(isReady(bed, 'far'));
    expect(ownedIn(bed.simulator)).toEqual([]);
    expect(ownedIn(other).length).toBeGreaterThan(0);
  });

  it('leaves nothing there when it is deleted', async () => {
    const { bed, other, start } = setUp();
    start();
    await bed.apply('far', { account: 'data' });
    await bed.runUntil(isReady(bed, 'far'));
    await bed.api.bastions.delete('default', 'far');
    await bed.runUntil(async () => (await bed.api.bastions.list()).items.length === 0);
    expect(ownedIn(other)).toEqual([]);
  });

  it('keeps nobody else waiting while its account refuses the controller, and goes on once it is let in', async () => {
    const { bed, state, start } = setUp();
    state.denied = true;
    start();
    await bed.apply('far', { account: 'data' });
    await bed.apply('near');
    await bed.runUntil(isReady(bed, 'near'));
    const far = await bed.api.bastions.get('default', 'far');
    expect(far.status?.phase).toBe('Provisioning');
    expect(JSON.stringify(far.status?.conditions)).toContain('sts:AssumeRole');
    state.denied = false;
    await bed.runUntil(isReady(bed, 'far'), 10 * MINUTE);
  });

  it('that nobody knows is told which there are, and may be deleted', async () => {
    const { bed, start } = setUp();
    start();
    await bed.apply('typo', { account: 'dota' });
    await bed.runUntil(async () => {
      const { status } = await bed.api.bastions.get('default', 'typo');
      return status?.conditions?.some(({ reason }) => reason === 'UnknownAccount') ?? false;
    });
    const { status } = await bed.api.bastions.get('default', 'typo');
    expect(status?.conditions?.find(({ type }) => type === 'Withheld')?.message).toBe(
      'spec.account: found "dota", allowed: data',
    );
    await bed.api.bastions.delete('default', 'typo');
    await bed.runUntil(async () => (await bed.api.bastions.list()).items.length === 0, MINUTE);
  });

  it('is neither forgotten nor torn down while the configuration lacks its account', async () => {
    const { bed, other, state, start } = setUp();
    const { controller, log } = start();
    await bed.apply('far', { account: 'data' });
    await bed.runUntil(isReady(bed, 'far'));
    const owned = ownedIn(other);
    state.accounts = [];
    controller.reconfigure();
    await bed.run(MINUTE);
    await bed.api.bastions.delete('default', 'far');
    await bed.run(10 * MINUTE);
    expect(ownedIn(other)).toEqual(owned);
    expect(await bed.phase('far')).not.toBeUndefined();
    expect(
      log.some(({ fields }) => fields['account'] === DATA.accountId && fields['region'] === REGION),
    ).toBe(true);
    state.accounts = [DATA];
    controller.reconfigure();
    await bed.runUntil(async () => (await bed.api.bastions.list()).items.length === 0);
    expect(ownedIn(other)).toEqual([]);
  });

  it('is not opened in a region that its account is not open in', async () => {
    const { bed, other, start } = setUp([{ ...DATA, regions: [{ name: 'eu-west-1' }] }]);
    start();
    await bed.apply('far', { account: 'data' });
    await bed.run(2 * MINUTE);
    const { status } = await bed.api.bastions.get('default', 'far');
    expect(status?.conditions?.find(({ type }) => type === 'NetworkReady')).toMatchObject({
      reason: 'RegionNotAllowed',
      message: `account data has no Bastions in ${REGION}: the configuration of the controller allows eu-west-1`,
    });
    expect(ownedIn(other)).toEqual([]);
  });

  it('may not be moved to another account', async () => {
    const { bed } = setUp();
    await bed.apply('far', { account: 'data' });
    await expect(bed.api.bastions.patch('default', 'far', { spec: { account: 'else' } })).rejects.toThrow(
      'spec.account: found another account than before',
    );
  });
});
