import type { Bastion } from '../../api/bastion.ts';
import { taskOf } from '../../api/bastion-task.ts';
import type { ApiClient } from '../../api/client.ts';
import { SessionError, type SessionFailure, type SessionOrigin } from '../../api/session.ts';
import { ApiError, type ApiErrorReason } from '../../machinery/api-error.ts';

const MAX_REASON = 256;

/** @throws ApiError NotFound as of a pod, BadRequest while no session can be opened */
export async function readyBastion(api: ApiClient, namespace: string, name: string): Promise<Bastion> {
  const bastion = await api.bastions.get(namespace, name).catch((error: unknown) => {
    const isMissing = error instanceof ApiError && error.reason === 'NotFound';
    throw isMissing ? new ApiError('NotFound', `pods "${name}" not found`) : error;
  });
  const why = whyNot(bastion);
  if (why !== undefined) throw new ApiError('BadRequest', `${why}: ${waitFor(name)}`);
  return bastion;
}

function whyNot(bastion: Bastion): string | undefined {
  const { metadata, status } = bastion;
  const task = taskOf(bastion);
  if (task?.state === 'running' && status?.sessionTarget !== undefined) return undefined;
  const more = task?.message ? `, ${task.message}` : '';
  return `bastion "${metadata.name}" is ${status?.phase ?? 'Pending'} and takes no sessions${more}`;
}

function waitFor(name: string): string {
  return `try again once it is Ready (kubectl wait --for=condition=Ready bastion/${name})`;
}

/** Where sessions to a Bastion go now. */
export function originOf(api: ApiClient, namespace: string, name: string, what: string): SessionOrigin {
  return async () => {
    const bastion = await api.bastions.get(namespace, name);
    const target = bastion.status?.sessionTarget;
    // arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID
    const region = taskOf(bastion)?.arn.split(':')[3];
    if (target === undefined || region === undefined || whyNot(bastion) !== undefined)
      throw new SessionError('TargetNotConnected', whyNot(bastion) ?? 'there is no target', waitFor(name));
    return { region, target, reason: `${what} of bastion ${namespace}/${name}`.slice(0, MAX_REASON) };
  };
}

const REASONS: Partial<Record<SessionFailure, ApiErrorReason>> = {
  NoCredentials: 'Unauthorized',
  CredentialsExpired: 'Unauthorized',
  AccessDenied: 'Forbidden',
  SessionLimit: 'TooManyRequests',
};

/** As an answer of the API, for what happens before there is a session. */
export function asAnswer(error: unknown): unknown {
  if (!(error instanceof SessionError)) return error;
  const { failure, message, hint } = error;
  return new ApiError(REASONS[failure] ?? 'Unavailable', `${message}: ${hint}`);
}
