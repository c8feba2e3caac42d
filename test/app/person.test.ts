import { describe, expect, it } from 'vitest';
import type { About } from '../../controller/api/about.ts';
import { API_VERSION, type Bastion, type BastionStatus } from '../../controller/api/bastion.ts';
import { openPerson } from '../../controller/app/person.ts';
import type { ConnectionOptions } from '../../controller/cli/connection.ts';
import { VirtualClock } from '../clock.ts';

const REAL: About = { aws: 'real', region: 'eu-west-1', installation: 'team', accountId: '123456789012' };
const SIMULATED: About = { ...REAL, aws: 'http://127.0.0.1:4566' };

function person(options: ConnectionOptions, learned: About | undefined) {
  return openPerson(options, { clock: new VirtualClock(), env: {}, learn: async () => learned });
}

describe('who the person is to AWS', () => {
  it('believes the controller, unless a flag says otherwise', async () => {
    expect(await person({}, REAL).about()).toEqual(REAL);
    expect(await person({ aws: 'real' }, SIMULATED).about()).toEqual({
      ...{ aws: 'real', region: 'eu-west-1', installation: 'team' },
    });
    expect((await person({ aws: 'simulated' }, SIMULATED).about()).aws).toBe('http://127.0.0.1:4566');
    expect(await person({ aws: 'real' }, undefined).about()).toEqual({
      ...{ aws: 'real', region: 'ap-northeast-1', installation: 'default' },
    });
  });

  it('never guesses that AWS is real', async () => {
    await expect(person({}, undefined).about()).rejects.toThrow(
      'nobody says in which AWS these Bastions are: say --aws=real if it is AWS itself, or start the controller first',
    );
    await expect(person({ server: 'https://x' }, undefined).about()).rejects.toThrow(
      /say --aws=real if .* itself$/,
    );
    await expect(person({ aws: 'simulated' }, REAL).about()).rejects.toThrow('say --aws=real');
    await expect(
      person({}, { ...REAL, aws: 'https://ssm.eu-west-1.amazonaws.com' }).connection(),
    ).rejects.toThrow('is real AWS: say --aws=real if you mean it');
  });

  it('signs for a simulated AWS with credentials that are worth nothing', async () => {
    expect(await person({}, SIMULATED).connection()).toMatchObject({
      ...{ endpoint: 'http://127.0.0.1:4566', credentials: { accessKeyId: 'AKIASIMULATED' } },
    });
    expect(await person({}, REAL).connection()).not.toHaveProperty('credentials');
  });

  it('asks again after the controller could not be asked', async () => {
    let asked = 0;
    const learn = async () => {
      if (asked++ === 0) throw new Error('down');
      return REAL;
    };
    const { about } = openPerson({}, { clock: new VirtualClock(), env: {}, learn });
    await expect(about()).rejects.toThrow('down');
    expect(await about()).toEqual(REAL);
    expect(await about()).toEqual(REAL);
    expect(asked).toBe(2);
  });

  it("finds a Bastion's region by its task, then by its manifest, then by the controller", async () => {
    const { region } = person({}, REAL);
    const id = 'arn:aws:ecs:us-east-1:123456789012:task/bastion-default/0123';
    const task = { kind: 'task', key: 'task/default/orders', id, state: 'Ready', shared: false };
    const status = { resources: [task] } as unknown as BastionStatus;
    expect(await region(bastion({ region: 'us-west-2' }, status))).toBe('us-east-1');
    expect(await region(bastion({ region: 'us-west-2' }))).toBe('us-west-2');
    expect(await region(bastion({}))).toBe('eu-west-1');
  });
});

function bastion(spec: object, status?: BastionStatus): Bastion {
  const metadata = { name: 'orders', namespace: 'default' };
  return { apiVersion: API_VERSION, kind: 'Bastion', metadata, spec, status } as unknown as Bastion;
}
