import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionPurpose } from '../../controller/api/session.ts';
import { createSessions } from '../../controller/aws/sessions.ts';
import { isAllowed, parsePolicy } from '../../controller/simulator/iam/policy.ts';
import { VirtualClock } from '../clock.ts';
import { type FakeAws, serveAws } from './entrypoint.ts';

const FOLDER = new URL('../../deploy/iam/', import.meta.url);
const USER_ID = 'AIDAEXAMPLE';
const TASK = 'arn:aws:ecs:eu-central-1:111122223333:task/bastion-main/0123456789abcdef0123456789abcdef';
const MANAGED = 'arn:aws:ssm:eu-central-1:111122223333:managed-instance/mi-0123456789abcdef0';
const OURS = { 'bastion-operator.dev/bastion': 'default/orders' };
const PORT: SessionPurpose = { kind: 'port', host: 'db.internal', port: 5432, localPort: 5432 };
const SHELLS: readonly SessionPurpose[] = [{ kind: 'shell' }, { kind: 'command', command: ['id'] }];

describe('a policy for people', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('-policy.json'));

  it.each(names)('%s names each action in full', (name) => {
    const { statements } = policyIn(name);
    const actions = statements.flatMap((statement) => statement['Action']);
    expect(actions.filter((action) => typeof action !== 'string' || action.includes('*'))).toEqual([]);
    expect(statements.filter((statement) => statement['NotAction'] ?? statement['NotResource'])).toEqual([]);
  });

  it.each(names.filter((name) => !/^(boundary|controller|doctor)/.test(name)))(
    '%s names what it is about',
    (name) => {
      const resources = policyIn(name).statements.flatMap((statement) => statement['Resource']);
      expect(resources).not.toContain('*');
    },
  );

  it('that only reads changes nothing', () => {
    const [reader, doctor] = [policyIn('reader-policy.json'), policyIn('doctor-policy.json')];
    const actions = [...reader.statements, ...doctor.statements].flatMap(({ Action }) => Action);
    expect(actions.filter((action) => !/:(Describe|Get|List|Query|Simulate)/.test(String(action)))).toEqual(
      [],
    );
  });
});

describe('writer-policy.json', () => {
  const policy = policyIn('writer-policy.json');
  const resource = 'arn:aws:dynamodb:eu-central-1:111122223333:table/bastion-operator';
  const may = (action: string, key: string) =>
    isAllowed([policy], { action, resource, context: { 'dynamodb:LeadingKeys': key } });

  it.each(['dynamodb:PutItem', 'dynamodb:DeleteItem'])(
    'lets %s touch Bastions, and not the records of the controller',
    (action) => {
      for (const key of ['log', 'object#bastions', 'object#events']) expect(may(action, key)).toBe(true);
      for (const key of ['activation', 'lease']) expect(may(action, key)).toBe(false);
      expect(isAllowed([policy], { action, resource, context: {} })).toBe(false);
    },
  );

  it('lets everything be read', () => {
    for (const action of ['dynamodb:GetItem', 'dynamodb:Query']) expect(may(action, 'activation')).toBe(true);
  });
});

describe.each([
  ['connect-policy.json', [PORT, ...SHELLS], []],
  ['connect-ports-policy.json', [PORT], SHELLS],
] as const)('%s', (name, granted, refused) => {
  const policy = policyIn(name);
  let aws: FakeAws;
  beforeEach(async () => {
    aws = await serveAws();
  });
  afterEach(() => aws.close());

  const may = (action: string, resource: string, context: Readonly<Record<string, string>> = {}) =>
    isAllowed([policy], { action, resource, context });

  /** Whether every call that `Sessions` makes for it is allowed: on the target and on the document. */
  async function mayOpen(purpose: SessionPurpose, target: string, tags: Readonly<Record<string, string>>) {
    const sessions = createSessions({
      connection: async () => ({
        endpoint: String(aws.environment['AWS_ENDPOINT_URL_SSM']),
        credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' },
      }),
      profile: '',
      clock: new VirtualClock(),
    });
    const origin = { region: 'eu-central-1', target: 'mi-1', reason: '' };
    await sessions.start({ ...origin, purpose }, new AbortController().signal);
    await sessions.terminate({ id: `${USER_ID}-1`, region: 'eu-central-1' });
    return aws.calls.every(({ operation, input }) => {
      if (operation !== 'StartSession') return may(`ssm:${operation}`, sessionOf(String(input['SessionId'])));
      return (
        may('ssm:StartSession', target, tags) && may('ssm:StartSession', documentOf(input['DocumentName']))
      );
    });
  }

  const tagged = (prefix: string, tags: Readonly<Record<string, string>> = OURS) =>
    Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}${key}`, value]));

  it.each(granted)('lets people open $kind sessions to a Bastion over either transport', async (purpose) => {
    expect(await mayOpen(purpose, TASK, tagged('aws:ResourceTag/'))).toBe(true);
    expect(await mayOpen(purpose, MANAGED, tagged('ssm:resourceTag/'))).toBe(true);
  });

  it.runIf(refused.length > 0)('refuses the documents of shells and commands', async () => {
    for (const purpose of refused) {
      expect(await mayOpen(purpose, TASK, tagged('aws:ResourceTag/'))).toBe(false);
      aws.calls.length = 0;
    }
  });

  it('refuses tasks, nodes and machines that are no Bastions', () => {
    expect(may('ssm:StartSession', TASK)).toBe(false);
    expect(may('ssm:StartSession', TASK, tagged('aws:ResourceTag/', { team: 'orders' }))).toBe(false);
    expect(may('ssm:StartSession', TASK.replace('bastion-main', 'shop'), tagged('aws:ResourceTag/'))).toBe(
      false,
    );
    expect(may('ssm:StartSession', MANAGED)).toBe(false);
    const machine = 'arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0';
    expect(may('ssm:StartSession', machine, tagged('ssm:resourceTag/'))).toBe(false);
  });

  it('refuses other documents', () => {
    for (const document of ['AWS-StartSSHSession', 'AWS-StartPortForwardingSession', 'AWS-RunShellScript']) {
      expect(may('ssm:StartSession', documentOf(document))).toBe(false);
    }
  });

  it("lets people resume and end their own sessions, and nobody else's", () => {
    for (const action of ['ssm:ResumeSession', 'ssm:TerminateSession', 'ssmmessages:OpenDataChannel']) {
      expect(may(action, sessionOf(`${USER_ID}-1`))).toBe(true);
      expect(may(action, sessionOf('AIDASOMEBODY-1'))).toBe(false);
    }
  });

  it('has AWS check the document also when none is named, which is how a shell is asked for', () => {
    const targets = policy.statements.filter(({ Condition }) =>
      JSON.stringify(Condition ?? '').includes('Tag/'),
    );
    expect(targets).toHaveLength(2);
    for (const { Condition } of targets) {
      expect(Condition).toMatchObject({ BoolIfExists: { 'ssm:SessionDocumentAccessCheck': 'true' } });
    }
  });
});

function policyIn(name: string) {
  const text = readFileSync(new URL(name, FOLDER), 'utf8');
  // The evaluator knows no policy variables; this is the one in use.
  return parsePolicy(text.replace(/\$\{aws:userid\}/g, USER_ID));
}

function sessionOf(id: string): string {
  return `arn:aws:ssm:eu-central-1:111122223333:session/${id}`;
}

/** Without a name AWS takes the account's own document for shells. */
function documentOf(name: unknown): string {
  return name === undefined
    ? 'arn:aws:ssm:eu-central-1:111122223333:document/SSM-SessionManagerRunShell'
    : `arn:aws:ssm:eu-central-1::document/${String(name)}`;
}
