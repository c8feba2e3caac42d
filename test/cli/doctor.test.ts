import { describe, expect, it } from 'vitest';
import type { ExaminationRequest, Finding } from '../../controller/api/finding.ts';
import { createCli, manifestText, sample } from './fixture.ts';

const GOOD: Finding = {
  check: 'vpc-exists',
  group: 'Network',
  verdict: 'ok',
  found: 'vpc-0a1b2c3d4e5f60718 (10.0.0.0/16)',
};
const BAD: Finding = {
  ...{ check: 'dns-support', group: 'Network', verdict: 'problem' },
  found: 'vpc-0a1b2c3d4e5f60718 has enableDnsSupport off',
  fix: 'aws ec2 modify-vpc-attribute --vpc-id vpc-0a1b2c3d4e5f60718',
};
const IDLE: Finding = {
  ...{ check: 'life', group: 'Bastion', verdict: 'warning', found: 'suspended' },
  fix: 'bastionctl resume orders',
};
const DARK: Finding = { check: 'image', group: 'Task', verdict: 'unknown', found: 'cannot be read' };
const MOOT: Finding = { check: 'activation', group: 'Systems Manager', verdict: 'skipped', found: 'EcsExec' };

function clinic(findings: readonly Finding[]) {
  const cli = createCli();
  const examined: ExaminationRequest[] = [];
  cli.world.doctor = {
    async examine(request, onProgress) {
      examined.push(request);
      onProgress('reading VPCs');
      return { region: 'ap-northeast-1', findings };
    },
  };
  return { ...cli, examined };
}

describe('doctor', () => {
  it('tells one line for each check on a pipe, and ends with 1 for a problem', async () => {
    const { api, run } = clinic([IDLE, GOOD, BAD, DARK, MOOT]);
    await api.bastions.create(sample());
    const { code, out, err } = await run('doctor orders');
    expect(out).toBe(
      'bastion default/orders in ap-northeast-1\n' +
        'warning life        suspended | fix: bastionctl resume orders\n' +
        'ok      vpc-exists  vpc-0a1b2c3d4e5f60718 (10.0.0.0/16)\n' +
        'problem dns-support vpc-0a1b2c3d4e5f60718 has enableDnsSupport off | fix: aws ec2 modify-vpc-attribute --vpc-id vpc-0a1b2c3d4e5f60718\n' +
        'unknown image       cannot be read\n' +
        '4 checks: 1 ok, 1 unknown, 1 warning, 1 problem\n',
    );
    expect(err).toBe('examining bastion default/orders\n');
    expect(code).toBe(1);
  });

  it('groups and marks on a terminal, with what is to be done at the end', async () => {
    const { api, run } = clinic([IDLE, GOOD, BAD]);
    await api.bastions.create(sample());
    const { out } = await run('doctor orders', { isTTY: true, noColor: true });
    expect(out).toBe(`bastion default/orders in ap-northeast-1
Bastion
  ! life         suspended
Network
  ✓ vpc-exists   vpc-0a1b2c3d4e5f60718 (10.0.0.0/16)
  ✗ dns-support  vpc-0a1b2c3d4e5f60718 has enableDnsSupport off

To put right
  ! life: suspended
      bastionctl resume orders
  ✗ dns-support: vpc-0a1b2c3d4e5f60718 has enableDnsSupport off
      aws ec2 modify-vpc-attribute --vpc-id vpc-0a1b2c3d4e5f60718
3 checks: 1 ok, 1 warning, 1 problem
`);
  });

  it('ends with 0 when nothing is a problem', async () => {
    const { api, run } = clinic([GOOD, IDLE, DARK]);
    await api.bastions.create(sample());
    expect((await run('doctor orders')).code).toBe(0);
  });

  it('shows what was skipped when asked for all', async () => {
    const { api, run } = clinic([GOOD, MOOT]);
    await api.bastions.create(sample());
    expect((await run('doctor orders')).out).not.toContain('activation');
    expect((await run('doctor orders --all')).out).toContain('skipped activation EcsExec');
  });

  it('shows what it reads while it reads', async () => {
    const { api, run } = clinic([GOOD]);
    await api.bastions.create(sample());
    const { err } = await run('doctor orders', { isTTY: true });
    expect(err).toContain('examining bastion default/orders: reading VPCs');
  });

  it('looks at all Bastions of the namespace when none is named', async () => {
    const { api, run, examined } = clinic([GOOD]);
    await api.bastions.create(sample());
    const { metadata, ...rest } = sample();
    await api.bastions.create({ ...rest, metadata: { ...metadata, name: 'users' } });
    await run('doctor');
    expect(examined.map(({ bastion }) => bastion.metadata.name)).toEqual(['orders', 'users']);
  });

  it('looks at a manifest before it is applied, and applies nothing', async () => {
    const { api, run, examined, files } = clinic([BAD]);
    files.set('orders.yaml', manifestText());
    const { code, out } = await run(
      'doctor -f orders.yaml --controller-role arn:aws:iam::123456789012:role/operator',
    );
    expect(out).toContain('problem dns-support');
    expect(code).toBe(1);
    expect(examined[0]).toMatchObject({
      isApplied: false,
      controllerRole: 'arn:aws:iam::123456789012:role/operator',
      bastion: { spec: { access: { transport: 'EcsExec' } } },
    });
    expect((await api.bastions.list()).items).toEqual([]);
  });

  it('takes a manifest from stdin', async () => {
    const { run, examined } = clinic([GOOD]);
    expect((await run('doctor -f -', { stdin: manifestText() })).code).toBe(0);
    expect(examined).toHaveLength(1);
  });

  it('says what is wrong with a manifest that nobody could apply', async () => {
    const { run, files, examined } = clinic([GOOD]);
    files.set('orders.yaml', manifestText('orders', 'ttl: forever'));
    const { code, err } = await run('doctor -f orders.yaml');
    expect(err).toContain('orders.yaml:1: spec.ttl');
    expect(code).toBe(1);
    expect(examined).toEqual([]);
  });

  it('says that a Bastion does not exist', async () => {
    const { run } = clinic([GOOD]);
    const { code, err } = await run('doctor nobody');
    expect(err).toContain('bastions.bastion-operator.dev "nobody" not found');
    expect(code).toBe(1);
  });

  it('writes everything as JSON, with the counts', async () => {
    const { api, run } = clinic([GOOD, BAD]);
    await api.bastions.create(sample());
    const { out, code } = await run('doctor orders -o json');
    expect(JSON.parse(out)).toEqual({
      items: [
        {
          bastion: 'default/orders',
          region: 'ap-northeast-1',
          findings: [GOOD, BAD],
          summary: { ok: 1, problem: 1, skipped: 0, unknown: 0, warning: 0 },
        },
      ],
    });
    expect(code).toBe(1);
  });

  it('refuses a name and a file together', async () => {
    const { run } = clinic([]);
    expect((await run('doctor orders -f orders.yaml')).err).toContain('name Bastions or files, not both');
  });

  it('names its fixes as the program is called', async () => {
    const { api, run } = clinic([IDLE]);
    await api.bastions.create(sample());
    const { out } = await run('doctor orders', { program: 'kubectl bastion' });
    expect(out).toContain('kubectl bastion resume orders');
  });
});
