import { present } from '../fields.ts';
import { AwsFault, type Input, type Operation, type World } from '../world.ts';
import { pingStatus } from './nodes.ts';
import { invalid, readInput, type Session, type SsmState, takeSsmPage } from './state.ts';

const DOCUMENTS = [
  'SSM-SessionManagerRunShell',
  'AWS-StartPortForwardingSession',
  'AWS-StartPortForwardingSessionToRemoteHost',
  'AWS-StartSSHSession',
  'AWS-StartInteractiveCommand',
  'AWS-StartNonInteractiveCommand',
];
const HISTORY_MS = 30 * 86_400_000;
export const CHANNEL_PATH = '/v1/data-channel/';

/** Whether an `ecs:<cluster>_<task id>_<runtime id>` target has a connected Exec agent. ECS answers it. */
export type TaskTargetLookup = (target: string) => boolean;
/** Told of a session when it starts, and again when it has ended. */
export type SessionNotice = (session: Session) => void;

export function sessionOperations(
  world: World,
  state: SsmState,
  isTaskConnected: TaskTargetLookup,
  notice: SessionNotice,
): Readonly<Record<string, Operation>> {
  return {
    StartSession: (input) => {
      const session = startSession(world, state, isTaskConnected, input);
      notice(session);
      return describeStart(world, session);
    },
    ResumeSession: (input) => {
      const id = readInput(input).text('SessionId');
      const session = state.sessions.get(id);
      if (session?.endedAt !== undefined || !session) throw noSession(id);
      return describeStart(world, session);
    },
    DescribeSessions: (input) => describeSessions(world, state, input),
    TerminateSession: (input) => {
      const id = readInput(input).text('SessionId');
      const session = state.sessions.get(id);
      if (!session) throw noSession(id);
      endSession(world, session, notice);
      return { SessionId: id };
    },
  };
}

const noSession = (id: string) => new AwsFault('DoesNotExistException', `Session ${id} does not exist.`);

/** One side's hold on a session's data channel. */
export interface DataChannel {
  close(): void;
}

/** Undefined for a token that is not this session's, and for a session that has ended. `onEnd` is called once, unless closed before. */
export function openChannel(
  state: SsmState,
  { id, token }: { readonly id: string; readonly token: string },
  onEnd: () => void,
): DataChannel | undefined {
  const session = state.sessions.get(id);
  if (!session?.tokens.has(token) || session.endedAt !== undefined) return undefined;
  session.channels.add(onEnd);
  return { close: () => void session.channels.delete(onEnd) };
}

/** Ends every session of a target that went away. */
export function endSessions(world: World, state: SsmState, target: string, notice: SessionNotice): void {
  for (const session of state.sessions.values()) {
    if (session.target === target) endSession(world, session, notice);
  }
}

function endSession(world: World, session: Session, notice: SessionNotice): void {
  if (session.endedAt !== undefined) return;
  session.endedAt = world.now();
  notice(session);
  for (const end of [...session.channels]) end();
  session.channels.clear();
}

function startSession(
  world: World,
  state: SsmState,
  isTaskConnected: TaskTargetLookup,
  input: Input,
): Session {
  const fields = readInput(input);
  const target = fields.text('Target');
  const document = fields.optionalText('DocumentName') ?? 'SSM-SessionManagerRunShell';
  if (!DOCUMENTS.includes(document)) {
    throw new AwsFault('InvalidDocument', `Document with name ${document} does not exist.`);
  }
  checkTarget(world, state, isTaskConnected, target);
  const id = `operator-${world.hex(17)}`;
  const session: Session = {
    id,
    target,
    document,
    reason: fields.optionalText('Reason'),
    owner: `arn:aws:sts::${world.accountId}:assumed-role/operator/operator`,
    startedAt: world.now(),
    endedAt: undefined,
    tokens: new Set(),
    channels: new Set(),
  };
  state.sessions.set(id, session);
  return session;
}

function describeStart(world: World, { id, tokens }: Session): object {
  const token = `token-${world.hex(40)}`;
  tokens.add(token);
  return {
    SessionId: id,
    TokenValue: token,
    StreamUrl: `wss://ssmmessages.${world.region}.amazonaws.com${CHANNEL_PATH}${id}?role=publish_subscribe`,
  };
}

function checkTarget(world: World, state: SsmState, isTaskConnected: TaskTargetLookup, target: string): void {
  const notConnected = new AwsFault('TargetNotConnected', `${target} is not connected.`);
  if (target.startsWith('ecs:')) {
    if (!isTaskConnected(target)) throw notConnected;
    return;
  }
  const node = state.nodes.get(target);
  if (!node) throw notConnected;
  if (state.tier.value !== 'advanced') {
    throw new AwsFault(
      'BadRequest',
      'Enable advanced-instances tier to use Session Manager with your on-premises instances',
    );
  }
  if (pingStatus(world, node) !== 'Online') throw notConnected;
}

function describeSessions(world: World, state: SsmState, input: Input): object {
  const fields = readInput(input);
  fields.text('State');
  const active = fields.oneOf('State', ['Active', 'History'], 'Active') === 'Active';
  const matches = fields
    .structs('Filters')
    .map((filter) => matchSession(filter.text('key'), filter.text('value')));
  const wanted = [...state.sessions.values()].filter(
    (session) =>
      (active
        ? session.endedAt === undefined
        : session.endedAt !== undefined && session.endedAt > world.now() - HISTORY_MS) &&
      matches.every((match) => match(session)),
  );
  const page = takeSsmPage(fields, wanted, { least: 1, most: 200, fallback: 200 });
  return present({ Sessions: page.items.map(describeSession), NextToken: page.next });
}

function matchSession(key: string, value: string): (session: Session) => boolean {
  switch (key) {
    case 'Target':
      return (session) => session.target === value;
    case 'Owner':
      return (session) => session.owner === value;
    case 'SessionId':
      return (session) => session.id === value;
    case 'Status':
      return (session) => statusOf(session) === value;
    case 'InvokedAfter':
      return (session) => session.startedAt > Date.parse(value);
    case 'InvokedBefore':
      return (session) => session.startedAt < Date.parse(value);
    case 'AccessType':
      return () => value === 'Standard';
    default:
      throw new AwsFault('InvalidFilterKey', `The specified key is not valid: ${key}`);
  }
}

const statusOf = (session: Session) => (session.endedAt === undefined ? 'Connected' : 'Terminated');

function describeSession(session: Session) {
  return present({
    SessionId: session.id,
    Target: session.target,
    Status: statusOf(session),
    StartDate: new Date(session.startedAt),
    EndDate: session.endedAt === undefined ? undefined : new Date(session.endedAt),
    DocumentName: session.document,
    Owner: session.owner,
    Reason: session.reason,
    AccessType: 'Standard',
  });
}

const TIER_SETTING = '/ssm/managed-instance/activation-tier';

/** The one service setting the project depends on. */
export function settingOperations(world: World, state: SsmState): Readonly<Record<string, Operation>> {
  const arn = `arn:aws:ssm:${world.region}:${world.accountId}:servicesetting${TIER_SETTING}`;
  const check = (input: Input) => {
    const id = readInput(input).text('SettingId');
    if (id === TIER_SETTING || id === arn) return;
    throw new AwsFault('ServiceSettingNotFound', `Setting ${id} not found.`);
  };
  const describe = () => ({
    ServiceSetting: present({
      SettingId: TIER_SETTING,
      SettingValue: state.tier.value,
      LastModifiedDate: state.tier.changedAt === undefined ? undefined : new Date(state.tier.changedAt),
      LastModifiedUser: state.tier.changedAt === undefined ? 'System' : world.accountId,
      ARN: arn,
      Status: state.tier.changedAt === undefined ? 'Default' : 'Customized',
    }),
  });
  return {
    GetServiceSetting: (input) => {
      check(input);
      return describe();
    },
    UpdateServiceSetting: (input) => {
      check(input);
      const value = readInput(input).text('SettingValue');
      if (value !== 'standard' && value !== 'advanced') throw invalid(`Invalid setting value: ${value}`);
      state.tier = { value, changedAt: world.now() };
      return {};
    },
    ResetServiceSetting: (input) => {
      check(input);
      state.tier = { value: 'standard', changedAt: undefined };
      return describe();
    },
  };
}
