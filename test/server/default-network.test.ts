import { afterEach, describe, expect, it } from 'vitest';
import type { Estate } from '../../controller/api/estate.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { createGitSource } from '../../controller/sources/git.ts';
import { sample } from '../api/sample.ts';
import { createRemote, GIT_ENV } from '../sources/remote.ts';
import { createMemorySubject } from '../store/memory.ts';

const NETWORK = { vpcId: 'vpc-0abc0000000000001', subnetIds: ['subnet-0abc0000000000001'] };
const LATER = { vpcId: 'vpc-0abc0000000000002', subnetIds: ['subnet-0abc0000000000002'] };
const OWN = { vpcId: 'vpc-0abc0000000000009', subnetIds: ['subnet-0abc0000000000009'] };

function estate(network = NETWORK): Estate {
  const regions = [{ name: 'eu-west-1', network }, { name: 'us-east-1' }];
  return {
    ...{ accountId: '111111111111', defaultRegion: 'eu-west-1' },
    accounts: [
      { name: 'home', accountId: '111111111111', regions },
      { name: 'data', accountId: '222222222222', regions: [{ name: 'eu-west-1', network: LATER }] },
    ],
  };
}

function setUp() {
  const state = { estate: estate() };
  const { clock, open } = createMemorySubject();
  const store = open();
  let uids = 0;
  const api = createFacade({
    store,
    clock,
    newUid: () => `uid-${++uids}`,
    isSource: true,
    estate: () => state.estate,
  });
  const networkOf = async (name: string) => (await api.bastions.get('default', name)).spec.network;
  return { state, store, clock, api, networkOf };
}

/** A manifest that says nothing of the network. */
function silent(name: string, spec: object = {}) {
  return sample({ network: undefined, ...spec }, { name });
}

describe('a Bastion that names no network', () => {
  it('gets that of its region and account, with the defaults of the schema', async () => {
    const { api, networkOf } = setUp();
    await api.bastions.create(silent('here'));
    await api.bastions.create(silent('there', { account: 'data' }));
    expect(await networkOf('here')).toEqual({ path: 'Auto', ...NETWORK });
    expect(await networkOf('there')).toEqual({ path: 'Auto', ...LATER });
  });

  it('keeps what it says of the path', async () => {
    const { api, networkOf } = setUp();
    await api.bastions.create(silent('here', { network: { path: 'Nat' } }));
    expect(await networkOf('here')).toEqual({ path: 'Nat', ...NETWORK });
  });

  it('stays in its network when the configuration names another, however it is written again', async () => {
    const { api, state, networkOf } = setUp();
    const created = await api.bastions.create(silent('here'));
    state.estate = estate(LATER);
    const { resourceVersion } = created.metadata;
    await api.bastions.update({
      ...silent('here', { ttl: '3h' }),
      metadata: { name: 'here', resourceVersion },
    });
    expect(await networkOf('here')).toEqual({ path: 'Auto', ...NETWORK });
    await api.bastions.apply('default', 'here', silent('here', { ttl: '1h' }), {
      fieldManager: 'a',
      force: true,
    });
    expect(await networkOf('here')).toEqual({ path: 'Auto', ...NETWORK });
    await api.bastions.create(silent('next'));
    expect(await networkOf('next')).toEqual({ path: 'Auto', ...LATER });
  });

  it('is refused where the configuration names none', async () => {
    const { api } = setUp();
    await expect(api.bastions.create(silent('here', { region: 'us-east-1' }))).rejects.toThrow(
      'spec.network: required but missing',
    );
  });

  it('is refused with half a network', async () => {
    const { api } = setUp();
    await expect(api.bastions.create(silent('here', { network: { vpcId: OWN.vpcId } }))).rejects.toThrow(
      'spec.network.subnetIds: required but missing',
    );
  });

  it('is taken from git as from anywhere else, and is no news when the configuration changes', async () => {
    const { api, state, store, clock, networkOf } = setUp();
    const remote = createRemote();
    remotes.push(remote);
    remote.commit({ 'here.json': JSON.stringify(silent('here')) });
    const source = createGitSource({
      ...{ api, store, clock, spec: `${remote.dir}#main`, cacheDir: remote.cacheDir, env: GIT_ENV },
      estate: () => state.estate,
    });
    expect(await source.sync()).toMatchObject({ created: ['default/here'], problems: [] });
    expect(await networkOf('here')).toEqual({ path: 'Auto', ...NETWORK });
    state.estate = estate(LATER);
    expect(await source.sync()).toMatchObject({ unchanged: ['default/here'], problems: [] });
    remote.commit({ 'typo.json': JSON.stringify(silent('typo', { account: 'dota' })) });
    expect((await source.sync()).problems).toEqual([
      { path: 'typo.json', message: 'spec.account: found "dota", allowed: home, data' },
    ]);
  });
});

const remotes: { remove(): void }[] = [];
afterEach(() => {
  for (const remote of remotes.splice(0)) remote.remove();
});

describe('a Bastion for an account', () => {
  it('that nobody knows is refused with the names there are', async () => {
    const { api } = setUp();
    await expect(api.bastions.create(silent('here', { account: 'dota' }))).rejects.toThrow(
      'spec.account: found "dota", allowed: home, data',
    );
  });

  it('that there is no more can still be changed', async () => {
    const { api, state } = setUp();
    await api.bastions.create(silent('there', { account: 'data' }));
    state.estate = { ...estate(), accounts: [] };
    const patched = await api.bastions.patch('default', 'there', { spec: { suspend: true } });
    expect(patched.spec).toMatchObject({ account: 'data', suspend: true, network: LATER });
  });
});
