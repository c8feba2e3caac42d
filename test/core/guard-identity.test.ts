import { describe, expect, it } from 'vitest';
import { identityTrip, isHalting } from '../../controller/core/identity.ts';
import { bastionOf } from './sample.ts';

const OWN = { accountId: '111111111111', installation: 'main', region: 'eu-west-1' };
const HOLDING = bastionOf({
  status: { resources: [{ kind: 'task', key: 'task/default/orders', state: 'Ready' }] },
});
const ELSEWHERE = bastionOf({ name: 'far', spec: { region: 'us-east-1' } });

describe('whose store it is', () => {
  it('is no question when nothing differs, whatever regions Bastions name', () => {
    expect(identityTrip(OWN, OWN, [HOLDING, ELSEWHERE])).toBeUndefined();
  });

  it('names both accounts when the credentials are of another', () => {
    const trip = identityTrip(OWN, { ...OWN, accountId: '222222222222' }, [HOLDING, ELSEWHERE]);
    expect(trip).toMatchObject({
      reason: 'WrongAccount',
      message: expect.stringMatching(
        /account 111111111111 .* credentials of 222222222222.* 1 Bastion holds resources/,
      ),
      withheld: ['account 111111111111 -> 222222222222'],
    });
    expect(trip && isHalting(trip)).toBe(true);
  });

  it('warns that the old installation has to be ended first, and says how much it holds', () => {
    const trip = identityTrip({ ...OWN, installation: 'old' }, OWN, [HOLDING]);
    expect(trip).toMatchObject({
      reason: 'WrongInstallation',
      message: expect.stringContaining('1 Bastion holds resources of old'),
      effect: expect.stringContaining('End it first with a controller of --installation old.'),
    });
    expect(trip && isHalting(trip)).toBe(true);
  });

  it('leaves Bastions that name no region where they are, and stops nothing', () => {
    const trip = identityTrip({ ...OWN, region: 'us-west-2' }, OWN, [HOLDING, ELSEWHERE]);
    expect(trip).toMatchObject({
      reason: 'WrongRegion',
      message: expect.stringMatching(/are in us-west-2.*--region eu-west-1.*1 Bastion/),
    });
    expect(trip && isHalting(trip)).toBe(false);
  });

  it('names everything that a confirmation takes over', () => {
    const recorded = { accountId: '222222222222', installation: 'old', region: 'us-west-2' };
    expect(identityTrip(recorded, OWN, [])).toMatchObject({
      reason: 'WrongAccount',
      effect: expect.stringContaining('installation old -> main, and region us-west-2 -> eu-west-1'),
      withheld: [
        'account 222222222222 -> 111111111111',
        'installation old -> main',
        'region us-west-2 -> eu-west-1',
      ],
    });
  });
});
