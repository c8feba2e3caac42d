import { describe, expect, it } from 'vitest';
import { connect } from '../../controller/aws/clients.ts';
import type { Observed } from '../../controller/core/resource.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import type { Kind } from '../../controller/kinds/kind.ts';
import { findLeftovers } from '../../controller/reconcile/leftovers.ts';
import { ACCOUNT, REGION, startSimulator } from '../simulator/clients.ts';

const { simulator, clock } = startSimulator();
const scope = { accountId: ACCOUNT, region: REGION, installation: 'default' };
const connection = {
  requestHandler: simulator.requestHandler,
  credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
};
const aws = connect({ connection, scope, clock })();

const resource = (id: string, changed: Partial<Observed>): Observed => ({
  ...{ kind: 'task', key: `task/${id}`, id, owned: true, state: 'ready', detail: {}, uses: [] },
  ...changed,
});

function kindOf(name: Kind['name'], list: Kind['list']): Kind {
  const kind = KINDS.find((one) => one.name === name);
  if (!kind) throw new Error(`no kind ${name}`);
  return { ...kind, list };
}

describe('what is left in an account and region', () => {
  it('is nothing in an account where nothing was made, whatever else is in it', async () => {
    expect(await findLeftovers(aws, KINDS)).toEqual({ resources: [], failures: [] });
  });

  it('is what is ours and has not ended', async () => {
    const found = [
      resource('live', {}),
      resource('leaving', { state: 'deleting' }),
      resource('ended', { state: 'gone' }),
      resource('foreign', { owned: false }),
    ];
    const { resources } = await findLeftovers(aws, [kindOf('task', async () => found)]);
    expect(resources.map(({ id }) => id)).toEqual(['live', 'leaving']);
  });

  it('says what it could not list, and lists the rest', async () => {
    const denied = kindOf('ecs-cluster', () => Promise.reject(new Error('not you')));
    const { resources, failures } = await findLeftovers(aws, [
      denied,
      kindOf('task', async () => [resource('live', {})]),
    ]);
    expect(resources.map(({ id }) => id)).toEqual(['live']);
    expect(failures).toEqual(['cannot list ecs-cluster: Error: not you']);
  });
});
