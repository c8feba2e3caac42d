import type { About } from '../api/about.ts';
import { API_VERSION, type Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { GitSource } from '../api/git-source.ts';
import type { Guard } from '../api/guard.ts';
import { ifFound } from '../machinery/attempt.ts';
import type { KubeEvent } from '../machinery/event.ts';
import { isRecord } from '../machinery/json.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { Resources, StatusResources } from '../machinery/resources.ts';
import { collection } from './collection.ts';
import { createLists } from './lists.ts';
import { createTransport, type ServerOptions, type Transport } from './transport.ts';
import { watchStream } from './watch-stream.ts';
import { createWrites } from './writes.ts';

export type { ServerOptions } from './transport.ts';

export interface HttpClient extends ApiClient {
  /** What the controller would do, with these in place of the stored ones of the same names. @throws ApiError */
  readonly plan: (bastions: readonly Bastion[] | undefined) => Promise<unknown>;
  /** Undefined where the server does not know. @throws ApiError */
  readonly about: () => Promise<About | undefined>;
  /** Lets go of the connections that are kept for the next call. */
  readonly close: () => void;
}

const GROUP_PATH = `/apis/${API_VERSION}`;
/** It has to read all of AWS that it knows of. */
const PLAN_SILENCE_MS = 180_000;
const ABOUT_SILENCE_MS = 15_000;

/** The API as its clients see it, over HTTP. Makes no call before it is asked something. */
export function createHttpClient(options: ServerOptions): HttpClient {
  const transport = createTransport(options);
  return {
    bastions: withStatus<Bastion>(transport, GROUP_PATH, 'bastions'),
    guards: withStatus<Guard>(transport, GROUP_PATH, 'guards'),
    gitsources: resources<GitSource>(transport, GROUP_PATH, 'gitsources'),
    events: resources<KubeEvent>(transport, '/api/v1', 'events'),
    async plan(bastions) {
      const body = bastions === undefined ? {} : { bastions };
      const path = '/bastion-operator/plan';
      const silenceMs = PLAN_SILENCE_MS;
      return (await transport.call({ method: 'POST', path, body, silenceMs })).body;
    },
    about: () => readAbout(transport),
    close: transport.close,
  };
}

async function readAbout(transport: Transport): Promise<About | undefined> {
  const path = '/bastion-operator/about';
  const answer = await ifFound(() => transport.call({ method: 'GET', path, silenceMs: ABOUT_SILENCE_MS }));
  const body = answer?.body;
  if (!isRecord(body)) return undefined;
  const { aws, region, installation, accountId } = body;
  if (typeof aws !== 'string' || typeof region !== 'string' || typeof installation !== 'string')
    return undefined;
  return { aws, region, installation, ...(typeof accountId === 'string' ? { accountId } : {}) };
}

function resources<T extends KubeObject>(
  transport: Transport,
  groupPath: string,
  plural: string,
): Resources<T> {
  const at = collection(transport, groupPath, plural);
  const { updateStatus: _none, ...writes } = createWrites<T>(at);
  return { ...createLists<T>(at), ...writes, watch: (query, signal) => watchStream<T>(at, query, signal) };
}

function withStatus<T extends KubeObject>(
  transport: Transport,
  groupPath: string,
  plural: string,
): StatusResources<T> {
  const { updateStatus } = createWrites<T>(collection(transport, groupPath, plural));
  return { ...resources<T>(transport, groupPath, plural), updateStatus };
}
