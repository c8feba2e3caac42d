import { describe, expect, it } from 'vitest';
import type { PlanPreview } from '../../controller/cli/connection.ts';
import type { Step } from '../../controller/core/plan.ts';
import { createCli, manifestText, readyStatus, sample } from './fixture.ts';

function step(fields: Partial<Step>): Step {
  return {
    action: 'create',
    kind: 'vpc-endpoint',
    key: 'vpc-endpoint/vpc-1/ssmmessages',
    why: 'does not exist',
    owners: ['default/orders', 'default/reports'],
    ...fields,
  };
}

function observed(id: string): NonNullable<Step['observed']> {
  return {
    kind: 'task',
    key: 'task/default/orders',
    id,
    owned: true,
    state: 'ready',
    uses: [],
    detail: null,
  };
}

const PLAN: PlanPreview = {
  regions: [
    {
      accountId: '123456789012',
      region: 'ap-northeast-1',
      failures: [],
      problems: [{ bastion: 'default/sick', reason: 'VpcDnsDisabled', message: 'turn enableDnsSupport on' }],
      steps: [
        step({}),
        step({ action: 'update', key: 'security-group/vpc-1/endpoints', why: 'ingress 443 is missing' }),
        step({
          action: 'delete',
          key: 'task/default/orders',
          why: 'other image',
          reason: 'replaced',
          observed: observed('arn:1'),
        }),
        step({
          action: 'delete',
          key: 'task/default/old',
          why: 'its Bastion is expired',
          reason: 'expired',
          owners: [],
        }),
        step({ action: 'wait', key: 'vpc-endpoint/vpc-1/logs', why: 'pending' }),
        step({ action: 'blocked', key: 'task/default/sick', why: 'turn enableDnsSupport on' }),
        step({ action: 'withheld', key: 'iam-role/stray', why: 'no Bastion wants it', owners: [] }),
        step({ action: 'keep', key: 'iam-role/task' }),
        step({ action: 'adopt', key: 'vpc-endpoint/vpc-1/s3' }),
      ],
    },
    {
      accountId: '123456789012',
      region: 'eu-west-1',
      failures: [],
      problems: [],
      steps: [step({ action: 'keep' })],
    },
  ],
};

describe('plan', () => {
  it('names the account before the region where there are several', async () => {
    const cli = createCli();
    const place = { region: 'eu-west-1', failures: [], problems: [], steps: [step({})] };
    cli.world.plan = {
      regions: [
        { ...place, accountId: '111111111111' },
        { ...place, accountId: '222222222222' },
      ],
    };
    const { out } = await cli.run('plan');
    expect(out.split('\n').filter((line) => line.endsWith(':'))).toEqual([
      '111111111111 eu-west-1:',
      '222222222222 eu-west-1:',
    ]);
  });

  it('shows by region what would be done, why and for whom, and counts it', async () => {
    const cli = createCli();
    cli.world.plan = PLAN;
    expect(await cli.run('plan')).toEqual({
      code: 0,
      out: [
        '+ create, ~ change, -/+ replace, - delete, . wait for what is under way, ! held up; in brackets who needs it',
        '',
        'ap-northeast-1:',
        '  !   bastion default/sick: VpcDnsDisabled: turn enableDnsSupport on',
        '  +   vpc-endpoint/vpc-1/ssmmessages: does not exist [default/orders, default/reports]',
        '  ~   security-group/vpc-1/endpoints: ingress 443 is missing [default/orders, default/reports]',
        '  -/+ task/default/orders (arn:1): other image [default/orders, default/reports]',
        '  -   task/default/old: its Bastion is expired',
        '  .   vpc-endpoint/vpc-1/logs: pending [default/orders, default/reports]',
        '  !   task/default/sick: blocked: turn enableDnsSupport on [default/orders, default/reports]',
        '  !   iam-role/stray: withheld: no Bastion wants it',
        '',
        'Plan: 1 to create, 1 to change, 1 to replace, 1 to delete, 1 to wait for, 2 blocked or withheld, 3 unchanged.',
        '',
      ].join('\n'),
      err: '',
    });
    expect(cli.previews).toEqual([undefined]);
  });

  it('tells a problem once, with how much waits for it', async () => {
    const cli = createCli();
    const why = 'turn enableDnsSupport on';
    const problem = { bastion: 'default/sick', reason: 'VpcDnsDisabled', message: why };
    const owners = ['default/sick'] as const;
    const steps = (['task/a', 'iam-role/a'] as const).map((key) =>
      step({ action: 'blocked', key, why, owners }),
    );
    cli.world.plan = {
      regions: [
        { accountId: '123456789012', region: 'eu-west-1', failures: [], problems: [problem, problem], steps },
      ],
    };
    const { out } = await cli.run('plan');
    expect(out.split('\n').slice(2, 6)).toEqual([
      'eu-west-1:',
      '  !   bastion default/sick: VpcDnsDisabled: turn enableDnsSupport on (2 resources wait for this)',
      '',
      'Plan: 0 to create, 0 to change, 0 to delete, 2 blocked or withheld, 0 unchanged.',
    ]);
  });

  it('answers with 2 for changes under --detailed-exitcode, else with 0', async () => {
    const cli = createCli();
    expect(await cli.run('plan --detailed-exitcode')).toEqual({
      code: 0,
      out: 'No changes. AWS has what the Bastions need.\n\nPlan: 0 to create, 0 to change, 0 to delete, 0 unchanged.\n',
      err: '',
    });
    cli.world.plan = PLAN;
    expect((await cli.run('plan --detailed-exitcode')).code).toBe(2);
  });

  it('previews manifests as they would stand after apply, without applying them', async () => {
    const cli = createCli();
    await cli.api.bastions.create(sample());
    await cli.setStatus(readyStatus());
    cli.files.set('two.yaml', `${manifestText('orders', 'ttl: 8h')}---\n${manifestText('reports')}`);
    expect((await cli.run('plan -f two.yaml')).code).toBe(0);
    expect(cli.previews[0]).toMatchObject([
      {
        metadata: { name: 'orders', uid: 'uid-1' },
        spec: { ttl: '8h', task: { cpu: 256 } },
        status: readyStatus(),
      },
      { metadata: { name: 'reports', namespace: 'default' }, spec: { suspend: false } },
    ]);
    const { items } = await cli.api.bastions.list();
    expect(items.map(({ spec }) => spec.ttl)).toEqual(['4h']);
  });

  it('fails for a manifest that is invalid, or that AWS has no place for', async () => {
    const cli = createCli();
    cli.files.set('bad.yaml', manifestText('bad', 'ttl: 1m'));
    expect(await cli.run('plan -f bad.yaml')).toMatchObject({ code: 1, out: '' });
    expect(cli.previews).toEqual([]);
    cli.files.set('sick.yaml', manifestText('sick'));
    cli.world.plan = PLAN;
    expect((await cli.run('plan -f sick.yaml --detailed-exitcode')).code).toBe(1);
  });

  it('does not pass off as whole what could not be read in full', async () => {
    const cli = createCli();
    cli.world.plan = {
      regions: [
        {
          accountId: '123456789012',
          region: 'eu-west-1',
          steps: [],
          problems: [],
          failures: ['iam-role: AccessDenied'],
        },
      ],
    };
    const { code, out, err } = await cli.run('plan');
    expect(code).toBe(1);
    expect(out).toContain('eu-west-1:\n  !   could not be read: iam-role: AccessDenied\n');
    expect(out).not.toContain('No changes');
    expect(err).toContain('not the whole truth');
  });

  it('writes JSON without the kinds’ own details', async () => {
    const cli = createCli();
    cli.world.plan = PLAN;
    const { regions } = JSON.parse((await cli.run('plan -o json')).out);
    expect(regions[0].steps[2]).toEqual({
      ...{
        action: 'delete',
        effect: 'replace',
        kind: 'vpc-endpoint',
        key: 'task/default/orders',
        id: 'arn:1',
      },
      ...{ why: 'other image', reason: 'replaced', owners: ['default/orders', 'default/reports'] },
    });
  });

  it('colours by effect on a terminal', async () => {
    const cli = createCli();
    cli.world.plan = PLAN;
    expect((await cli.run('plan', { isTTY: true })).out).toContain('\u001b[32m  +   vpc-endpoint');
  });
});
