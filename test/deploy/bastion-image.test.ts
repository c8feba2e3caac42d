import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ACTIVATION,
  CODE,
  EntrypointBed,
  type FakeAws,
  hasGo,
  NODE,
  SOURCE,
  serveAws,
  until,
} from './entrypoint.ts';

const COMMON = {
  BASTION_REGION: 'eu-central-1',
  BASTION_OWNER: 'default/orders',
  BASTION_VPC: 'vpc-1',
  BASTION_DEADLINE: '2099-01-01T00:00:00Z',
};
const EXEC = { ...COMMON, BASTION_TRANSPORT: 'EcsExec' };
const HANDED = {
  ...COMMON,
  BASTION_TRANSPORT: 'HybridActivation',
  BASTION_ACTIVATION: JSON.stringify({ id: ACTIVATION, code: CODE }),
};
const OWN = {
  ...COMMON,
  BASTION_TRANSPORT: 'HybridActivation',
  BASTION_SSM_ROLE: 'bastion-main-ssm-service',
  BASTION_ACTIVATION_NAME: 'bastion-orders',
  BASTION_ACTIVATION_TAGS: JSON.stringify({ 'bastion-operator.dev/bastion': 'default/orders' }),
};

if (!hasGo())
  console.warn('skipped: the tests of deploy/bastion-image need Go (go.dev), which is not installed');

describe.skipIf(!hasGo())('the entrypoint of the image', () => {
  const bed = new EntrypointBed();
  let aws: FakeAws;

  beforeAll(() => bed.build(), 300_000);
  afterAll(() => bed.close());
  beforeEach(async () => {
    aws = await serveAws();
  });
  afterEach(() => aws.close());

  const isUp = () => until(() => bed.has('running'), 'the agent runs');

  it('passes its own tests and go vet', { timeout: 300_000 }, () => {
    const env = { ...process.env, GOTOOLCHAIN: 'local' };
    execFileSync('go', ['vet', './...'], { cwd: SOURCE, env });
    expect(execFileSync('go', ['test', './...'], { cwd: SOURCE, env }).toString()).toMatch(/^ok/);
  });

  it('just stays up for ECS Exec, and ends at once when it is told to', async () => {
    const entrypoint = bed.start('live', EXEC);
    await until(() => entrypoint.output().includes('waiting'), 'it waits');
    entrypoint.terminate();
    expect(await entrypoint.ended).toBe(0);
    expect(entrypoint.output().trim().split('\n')).toEqual([
      'bastion: started for default/orders in eu-central-1, transport EcsExec',
      'bastion: ends by itself at 2099-01-01T00:00:00Z at the latest',
      'bastion: waiting for sessions through ECS Exec',
      'bastion: SIGTERM: ending sessions, exiting',
    ]);
    expect(aws.calls).toEqual([]);
  });

  it('registers with the activation it was handed, and tells the agent when it ends', async () => {
    const entrypoint = bed.start('live', HANDED);
    await isUp();
    entrypoint.terminate();
    expect(await entrypoint.ended).toBe(0);
    expect(bed.has('told')).toBe(true);
    expect(entrypoint.output()).toContain(`bastion: registered as ${NODE}\n`);
    // Issuer Controller has no task role: what the node's own identity may not do, the controller does.
    expect(entrypoint.output()).toContain(
      `bastion: ${NODE} is not deregistered by this container, which may not: the controller does it\n`,
    );
    expect(aws.calls).toEqual([]);
  });

  it('makes an activation for one registration, and removes it and the node when it ends', async () => {
    const entrypoint = bed.start('live', { ...OWN, ...aws.environment });
    await isUp();
    const [made] = aws.calls;
    expect(made).toMatchObject({
      operation: 'CreateActivation',
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=ASIATASK\/\d{8}\/eu-central-1\/ssm\//,
      ),
      input: {
        IamRole: 'bastion-main-ssm-service',
        DefaultInstanceName: 'bastion-orders',
        RegistrationLimit: 1,
        Tags: [{ Key: 'bastion-operator.dev/bastion', Value: 'default/orders' }],
      },
    });
    const lifeS = Number(made?.input['ExpirationDate']) - Date.now() / 1000;
    expect(lifeS).toBeGreaterThan(60);
    expect(lifeS).toBeLessThan(3600);
    entrypoint.terminate();
    expect(await entrypoint.ended).toBe(0);
    expect(aws.calls.slice(1)).toMatchObject([
      { operation: 'DeleteActivation', input: { ActivationId: ACTIVATION } },
      { operation: 'DeregisterManagedInstance', input: { InstanceId: NODE } },
    ]);
    expect(entrypoint.output()).toContain(`bastion: deleted activation ${ACTIVATION}\n`);
    expect(entrypoint.output()).toContain(`bastion: deregistered ${NODE}\n`);
  });

  it('leaves to the controller what its task role may not do', async () => {
    aws.refusals.set('DeregisterManagedInstance', 'AccessDeniedException');
    const entrypoint = bed.start('live', { ...OWN, ...aws.environment });
    await isUp();
    entrypoint.terminate();
    expect(await entrypoint.ended).toBe(0);
    expect(entrypoint.output()).toContain('which may not: the controller does it');
  });

  it('shows the code to nobody', async () => {
    const entrypoint = bed.start('live', { ...HANDED, ...aws.environment });
    await isUp();
    const agent = bed.read('running').trim();
    const argv = [entrypoint.pid, agent].map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    expect(argv.join()).not.toContain(CODE);
    expect(bed.read('environment')).not.toMatch(/BASTION|AWS|secret-path/);
    entrypoint.terminate();
    await entrypoint.ended;
    // The stand-in prints it, as an agent at debug level might.
    expect(entrypoint.output()).toContain('registered with the code ***');
    expect(entrypoint.output()).not.toContain(CODE);
    // Nowhere but on the command line of the registration, which has ended before anybody can connect.
    expect(bed.read('registration-argv')).toContain(CODE);
  });

  it('ends with what the agent said when its registration is refused', async () => {
    const entrypoint = bed.start('refuse', { ...OWN, ...aws.environment });
    expect(await entrypoint.ended).toBe(69);
    expect(entrypoint.output()).toMatch(
      /bastion: cannot register with Systems Manager: Registration failed due to .*InvalidActivation/,
    );
    expect(entrypoint.output()).not.toContain(CODE);
    expect(aws.calls.map(({ operation }) => operation)).toEqual(['CreateActivation', 'DeleteActivation']);
  });

  it('ends with what AWS said when it may not make an activation', async () => {
    aws.refusals.set('CreateActivation', 'AccessDeniedException');
    const entrypoint = bed.start('live', { ...OWN, ...aws.environment });
    expect(await entrypoint.ended).toBe(69);
    expect(entrypoint.output()).toContain(
      'bastion: cannot register with Systems Manager: AccessDeniedException: said by the test',
    );
  });

  it('ends when the agent does, with its workers, whatever its exit code', async () => {
    const entrypoint = bed.start('crash', { ...OWN, ...aws.environment });
    expect(await entrypoint.ended).toBe(70);
    expect(entrypoint.output()).toContain('agent: 2026-11-23 12:00:00.0000 ERROR the agent panicked\n');
    expect(entrypoint.output()).toContain('bastion: the agent ended by itself with exit status 3');
    expect(aws.calls.at(-1)?.operation).toBe('DeregisterManagedInstance');
  });

  it('ends in time when it is told to in the middle of a registration', async () => {
    const entrypoint = bed.start('hang', { ...OWN, ...aws.environment });
    await until(() => bed.has('registration-argv'), 'the registration runs');
    entrypoint.terminate();
    expect(await entrypoint.ended).toBe(0);
    expect(aws.calls.at(-1)?.operation).toBe('DeleteActivation');
  });

  it('kills an agent that does not listen, and its workers, before ECS would kill it', async () => {
    const entrypoint = bed.start('deaf', HANDED);
    await isUp();
    const worker = Number(bed.read('worker'));
    entrypoint.terminate();
    expect(await entrypoint.ended).toBe(0);
    expect(entrypoint.output()).toContain('did not end within 500ms and was killed');
    await until(() => !isAlive(worker), 'the worker is gone');
  });

  it('ends in time when AWS is not to be reached any more', async () => {
    const entrypoint = bed.start('live', { ...OWN, ...aws.environment });
    await isUp();
    await aws.close();
    entrypoint.terminate();
    const toldAt = performance.now();
    expect(await entrypoint.ended).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(10_000);
    expect(entrypoint.output()).toMatch(/activation .* is not deleted, the controller will do it: .*refused/);
    aws = await serveAws();
  });

  it.each([
    ['EcsExec', EXEC],
    ['HybridActivation', OWN],
  ])('ends by itself at its deadline: %s', async (_, environment) => {
    const BASTION_DEADLINE = new Date(Date.now() + 1500).toISOString();
    const entrypoint = bed.start('live', { ...environment, ...aws.environment, BASTION_DEADLINE });
    expect(await entrypoint.ended).toBe(0);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(BASTION_DEADLINE));
    expect(entrypoint.output()).toContain(`bastion: the deadline ${BASTION_DEADLINE} has come, exiting`);
    if (environment === OWN) expect(aws.calls.at(-1)?.operation).toBe('DeregisterManagedInstance');
  });

  it.each([
    [
      'a deadline that is no time',
      { ...EXEC, BASTION_DEADLINE: 'tomorrow' },
      'BASTION_DEADLINE is no RFC 3339 time: tomorrow',
    ],
    ['no deadline', without(EXEC, 'BASTION_DEADLINE'), 'BASTION_DEADLINE is not set'],
    ['no transport', without(EXEC, 'BASTION_TRANSPORT'), 'BASTION_TRANSPORT is not set'],
    ['an unknown transport', { ...EXEC, BASTION_TRANSPORT: 'Ssh' }, 'BASTION_TRANSPORT is "Ssh"'],
    ['no region', without(EXEC, 'BASTION_REGION'), 'BASTION_REGION is not set'],
    [
      'no activation',
      without(HANDED, 'BASTION_ACTIVATION'),
      'neither BASTION_ACTIVATION nor BASTION_SSM_ROLE',
    ],
    [
      'a secret that is none',
      { ...HANDED, BASTION_ACTIVATION: `{"code":"${CODE}"}` },
      'BASTION_ACTIVATION must be JSON',
    ],
  ])('ends at once with one line for %s', async (_, environment, message) => {
    const entrypoint = bed.start('live', environment);
    expect(await entrypoint.ended).toBe(78);
    expect(entrypoint.output()).toContain(`bastion: ${message}`);
    expect(entrypoint.output().trim().split('\n')).toHaveLength(1);
    expect(entrypoint.output()).not.toContain(CODE);
  });
});

function without(environment: Readonly<Record<string, string>>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([key]) => key !== name));
}

function isAlive(pid: number): boolean {
  try {
    // One that nobody has reaped yet is dead all the same.
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
