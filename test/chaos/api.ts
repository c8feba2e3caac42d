import { ANNOTATION, type Bastion } from '../../controller/api/bastion.ts';
import type { Stored } from './judge.ts';

/** Answered for good: asking once more would give the same. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const PATH = '/apis/bastion-operator.dev/v1alpha1/namespaces/default/bastions';
const PATIENCE_MS = 6_000;
const DEFINITE = [400, 403, 404, 409, 422];

/** One request to one server. @throws Refused, or whatever else kept the answer from coming */
export async function ask(server: string, method: string, name = '', body?: object): Promise<unknown> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const response = await fetch(`${server}${PATH}${name === '' ? '' : `/${name}`}`, {
    ...{ method, headers: body ? { 'content-type': type } : {} },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  const message = `${method} ${name}: ${response.status} ${text.slice(0, 300)}`;
  throw DEFINITE.includes(response.status) ? new Refused(response.status, message) : new Error(message);
}

export function reasonOf(revision: number): string {
  return `revision ${revision}`;
}

export function storedOf({ metadata, spec }: Bastion): Stored {
  return {
    name: metadata.name,
    uid: metadata.uid,
    revision: Number(/^revision (\d+)$/.exec(spec.reason ?? '')?.[1] ?? -1),
    isSuspended: spec.suspend === true,
    renewedAt: metadata.annotations?.[ANNOTATION.renewedAt],
    isMarked: metadata.deletionTimestamp !== undefined,
  };
}
