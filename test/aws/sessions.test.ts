import { describe, expect, it } from 'vitest';
import { SessionError, type SessionRequest } from '../../controller/api/session.ts';
import { createSessions } from '../../controller/aws/sessions.ts';
import type { Fault } from '../../controller/simulator/faults.ts';
import { REGION, startSimulator } from '../simulator/clients.ts';
import { onlineNode, setTier } from '../simulator/node.ts';

const PORT = { kind: 'port', host: 'orders.internal', port: 5432, localPort: 15432 } as const;
const going = new AbortController().signal;

async function setUp() {
  const bed = startSimulator();
  const credentials = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' };
  const connection = { requestHandler: bed.simulator.requestHandler, credentials };
  const options = { profile: 'team', clock: bed.clock };
  const sessions = createSessions({ ...options, connection: async () => connection });
  const target = await onlineNode(bed.simulator, bed.clock);
  const request: SessionRequest = { region: REGION, target, purpose: PORT, reason: 'INC-1 orders' };
  const failure = async (start = sessions.start(request, going)) => {
    const error = await start.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error instanceof SessionError) return error;
    throw new Error(`no SessionError: ${error}`);
  };
  return { ...bed, options, connection, sessions, target, request, failure };
}

describe('a session of a person', () => {
  it('forwards a port to another host, and hands over what the plugin needs', async () => {
    const { sessions, request, target, simulator } = await setUp();
    const { id, region, handover } = await sessions.start(request, going);
    const { TokenValue, ...response } = JSON.parse(handover.response);
    expect(response).toMatchObject({
      SessionId: id,
      StreamUrl: expect.stringContaining('wss://ssmmessages.'),
    });
    expect(JSON.parse(handover.request)).toEqual({
      ...{ Target: target, Reason: 'INC-1 orders' },
      DocumentName: 'AWS-StartPortForwardingSessionToRemoteHost',
      Parameters: { host: ['orders.internal'], portNumber: ['5432'], localPortNumber: ['15432'] },
    });
    expect(handover).toMatchObject({ profile: 'team', endpoint: `https://ssm.${REGION}.amazonaws.com` });
    expect(TokenValue).toMatch(/^token-/);
    expect(handover.request).not.toContain(TokenValue);
    expect(region).toBe(REGION);
    expect(simulator.ssm.state.sessions.get(id)).toMatchObject({ target, reason: 'INC-1 orders' });
  });

  it('is a shell as the account prefers it, or runs a command word by word', async () => {
    const { sessions, request, target } = await setUp();
    const shell = await sessions.start({ ...request, purpose: { kind: 'shell' }, reason: ' ' }, going);
    expect(JSON.parse(shell.handover.request)).toEqual({ Target: target });
    const command = ['sh', '-c', "echo 'a b'"];
    const run = await sessions.start({ ...request, purpose: { kind: 'command', command } }, going);
    expect(JSON.parse(run.handover.request)).toMatchObject({
      DocumentName: 'AWS-StartInteractiveCommand',
      Parameters: { command: [String.raw`sh -c 'echo '\''a b'\'''`] },
    });
  });

  it('is ended, and one that has ended already, or never was, too', async () => {
    const { sessions, request, simulator } = await setUp();
    const session = await sessions.start(request, going);
    await sessions.terminate(session);
    expect(simulator.ssm.state.sessions.get(session.id)?.endedAt).toBeDefined();
    await sessions.terminate(session);
    await sessions.terminate({ id: 'never-was', region: REGION });
  });

  it('is not left open when the person leaves while it is opened', async () => {
    const { sessions, request, simulator, failure } = await setUp();
    const stop = new AbortController();
    const start = sessions.start(request, stop.signal);
    stop.abort();
    expect((await failure(start)).failure).toBe('Refused');
    expect([...simulator.ssm.state.sessions.values()].every(({ endedAt }) => endedAt !== undefined)).toBe(
      true,
    );
  });

  it('waits when AWS takes no more at once', async () => {
    const { sessions, request, simulator, clock } = await setUp();
    const opened = [];
    for (let count = 0; count < 5; count++) {
      const start = sessions.start(request, going);
      await clock.advance(2_100);
      opened.push(await start);
    }
    simulator.faults.add({
      operation: 'StartSession',
      code: 'ThrottlingException',
      message: 'Rate exceeded',
    });
    const start = sessions.start(request, going);
    await clock.advance(700);
    opened.push(await start);
    expect(new Set(opened.map(({ id }) => id)).size).toBe(6);
  });
});

describe('what stands in the way of a session', () => {
  it('is told for a hybrid node without the advanced tier', async () => {
    const { simulator, failure } = await setUp();
    setTier(simulator, 'standard');
    const error = await failure();
    expect(error.failure).toBe('AdvancedTierOff');
    expect(error.hint).toContain('--setting-value advanced --region ap-northeast-1');
  });

  it('is told for a target that is not there, and names it', async () => {
    const { sessions, request, failure } = await setUp();
    const target = 'ecs:bastion-main_0123_0123-456';
    const error = await failure(sessions.start({ ...request, target }, going));
    expect(error).toMatchObject({
      failure: 'TargetNotConnected',
      message: 'ecs:bastion-main_0123_0123-456 is not connected to Session Manager',
    });
    expect(error.hint).toContain('bastionctl doctor');
  });

  const denied =
    'User: arn:aws:sts::1:assumed-role/dev/alice is not authorized to perform: ssm:StartSession on resource: arn:aws:ssm:x:1:document/D because no identity-based policy allows it';
  const cases: readonly (Omit<Fault, 'message'> & {
    failure: string;
    message: string | RegExp;
    hint: string;
  })[] = [
    {
      ...{
        code: 'AccessDeniedException',
        message: /^you may not do ssm:StartSession on arn:aws:ssm:x:1:document\/D: User/,
      },
      ...{ failure: 'AccessDenied', hint: 'deploy/iam' },
    },
    {
      code: 'ExpiredTokenException',
      failure: 'CredentialsExpired',
      message: 'your AWS credentials have expired',
      hint: 'aws sso login --profile team',
    },
    {
      code: 'UnrecognizedClientException',
      failure: 'NoCredentials',
      message: 'AWS does not accept your credentials in the profile team',
      hint: 'AWS_PROFILE',
    },
    {
      code: 'ServiceQuotaExceededException',
      failure: 'SessionLimit',
      message: 'takes no further session',
      hint: 'describe-sessions --state Active',
    },
    {
      code: 'InvalidDocument',
      failure: 'Refused',
      message: 'does not know the document',
      hint: 'Systems Manager',
    },
    {
      code: 'InternalServerError',
      status: 500,
      failure: 'Unreachable',
      message: 'does not answer in ap-northeast-1',
      hint: 'VPN',
    },
    { code: 'SomethingNew', failure: 'Refused', message: 'refused ssm:StartSession for mi-', hint: 'doctor' },
  ];
  for (const { failure: name, message, hint, ...fault } of cases) {
    it(`is told for ${fault.code}`, async () => {
      const { simulator, failure } = await setUp();
      const text = name === 'AccessDenied' ? denied : 'because so';
      simulator.faults.add({ operation: 'StartSession', ...fault, message: text });
      const error = await failure();
      expect(error.failure).toBe(name);
      expect(error.message).toMatch(message);
      expect(error.hint).toContain(hint);
    });
  }

  it('is told when AWS throttles for good', async () => {
    const { simulator, failure, clock, sessions, request } = await setUp();
    simulator.faults.add({
      operation: 'StartSession',
      times: Infinity,
      code: 'ThrottlingException',
      message: 'Rate exceeded',
    });
    const start = sessions.start(request, going);
    start.catch(() => undefined);
    await clock.advance(10_000);
    expect((await failure(start)).failure).toBe('SessionLimit');
  });

  it('is told when there are no credentials, when those of a login have expired, and when nobody answers', async () => {
    const { options, connection, request, failure } = await setUp();
    const provider = (name: string, message: string, code?: string) => {
      const error = Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) });
      return createSessions({
        ...options,
        connection: async () => ({ ...connection, credentials: () => Promise.reject(error) }),
      });
    };
    const none = provider('CredentialsProviderError', 'Could not load credentials from any providers');
    expect(await failure(none.start(request, going))).toMatchObject({
      ...{ failure: 'NoCredentials', message: 'no AWS credentials were found in the profile team' },
    });
    const expired = provider('TokenProviderError', 'Token is expired.');
    expect((await failure(expired.start(request, going))).failure).toBe('CredentialsExpired');
    const sso = provider(
      'CredentialsProviderError',
      'The SSO session associated with this profile has expired.',
    );
    expect((await failure(sso.start(request, going))).failure).toBe('CredentialsExpired');
    const network = provider('Error', 'getaddrinfo ENOTFOUND ssm', 'ENOTFOUND');
    expect((await failure(network.start(request, going))).failure).toBe('Unreachable');
  });
});
