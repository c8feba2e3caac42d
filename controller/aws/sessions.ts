import {
  SSMClient,
  StartSessionCommand,
  type StartSessionCommandInput,
  TerminateSessionCommand,
} from '@aws-sdk/client-ssm';
import { SessionError, type SessionPurpose, type SessionRequest, type Sessions } from '../api/session.ts';
import { type Clock, sleep } from '../machinery/clock.ts';
import type { Connection } from './clients.ts';
import { classify, unlessGone } from './errors.ts';
import { type Asked, sessionError } from './session-errors.ts';

export interface SessionsOptions {
  /** The person's own, not the controller's. */
  readonly connection: () => Promise<Connection>;
  /** Whose credentials those are, for the plugin; empty for the usual ones. */
  readonly profile: string;
  readonly clock: Clock;
}

/** AWS takes 3 a second from all of an account (aws-facts 8); a person who opens several targets should not notice. */
const THROTTLED_TRIES = 4;
const THROTTLED_MS = 700;
const MAX_REASON = 256;

/*
 * Shells and commands too are asked of Session Manager, and not of ecs:ExecuteCommand, which AWS prefers for containers because
 * it logs what is typed. Whoever forwards a port needs ssm:StartSession on the task anyway; so the two transports share one
 * permission, one way to end a session, and one plugin. Who wants shells logged sets that in Session Manager's preferences.
 */

/** Sessions of the person who runs this process. */
export function createSessions(options: SessionsOptions): Sessions {
  const { profile, clock } = options;
  const clientOf = clientsOf(options);
  const terminate: Sessions['terminate'] = async ({ id, region }) => {
    const asked: Asked = { action: 'ssm:TerminateSession', subject: id, region, profile };
    await answered(asked, async () => {
      const { client } = await clientOf(region);
      await unlessGone(() => client.send(new TerminateSessionCommand({ SessionId: id })));
    });
  };
  return {
    terminate,
    async start({ region, target, purpose, reason }, signal) {
      const asked: Asked = { action: 'ssm:StartSession', subject: target, region, profile };
      const request = requestFor({ target, purpose, reason });
      const session = await answered(asked, async () => {
        const { client, endpoint } = await clientOf(region);
        const send = () => client.send(new StartSessionCommand(request));
        const { SessionId = '', TokenValue, StreamUrl } = await patiently(clock, signal, send);
        const response = JSON.stringify({ SessionId, TokenValue, StreamUrl });
        const handover = { response, request: JSON.stringify(request), profile, endpoint };
        return { id: SessionId, region, handover };
      });
      // A request on its way cannot be taken back: what it opened nobody would ever end.
      if (signal.aborted) {
        await terminate(session);
        throw new SessionError('Refused', 'interrupted while the session was opened', 'run it again');
      }
      return session;
    },
  };
}

/** @throws SessionError */
async function answered<T>(asked: Asked, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && error.name === 'UsageError') throw error;
    throw sessionError(error, asked);
  }
}

async function patiently<T>(clock: Clock, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (let left = THROTTLED_TRIES - 1; ; left--) {
    try {
      return await call();
    } catch (error) {
      if (left === 0 || signal.aborted || classify(error) !== 'throttled') throw error;
      await sleep(clock, THROTTLED_MS, signal);
    }
  }
}

interface RegionClient {
  readonly client: SSMClient;
  readonly endpoint: string;
}

function clientsOf({ connection }: SessionsOptions): (region: string) => Promise<RegionClient> {
  const clients = new Map<string, RegionClient>();
  return async (region) => {
    const known = clients.get(region);
    if (known) return known;
    const where = await connection();
    const endpoint =
      typeof where.endpoint === 'string' ? where.endpoint : `https://ssm.${region}.amazonaws.com`;
    // One attempt: a session whose answer was lost must not be opened twice.
    const made = { client: new SSMClient({ ...where, region, maxAttempts: 1 }), endpoint };
    clients.set(region, made);
    return made;
  };
}

function requestFor({
  target,
  purpose,
  reason,
}: Pick<SessionRequest, 'target' | 'purpose' | 'reason'>): StartSessionCommandInput {
  const words = reason.trim().slice(0, MAX_REASON);
  return { Target: target, ...documentFor(purpose), ...(words === '' ? {} : { Reason: words }) };
}

function documentFor(purpose: SessionPurpose): Omit<StartSessionCommandInput, 'Target'> {
  switch (purpose.kind) {
    case 'port': {
      const { host, port, localPort } = purpose;
      const Parameters = { host: [host], portNumber: [`${port}`], localPortNumber: [`${localPort}`] };
      return { DocumentName: 'AWS-StartPortForwardingSessionToRemoteHost', Parameters };
    }
    case 'shell':
      // Without a document: the account's own preferences decide which shell that is.
      return {};
    case 'command':
      return {
        DocumentName: 'AWS-StartInteractiveCommand',
        Parameters: { command: [purpose.command.map(quote).join(' ')] },
      };
  }
}

/** One word for a POSIX shell, whatever is in it. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
