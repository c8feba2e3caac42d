import type { ApiClient } from '../api/client.ts';
import { explain } from '../aws/errors.ts';
import { createTaskLogs } from '../aws/task-logs.ts';
import type { Log } from '../core/log.ts';
import type { ServerContext } from '../http/context.ts';
import type { AccessToken } from '../http/door/safety.ts';
import type { ApiServer } from '../http/server.ts';
import type { Clock } from '../machinery/clock.ts';
import type { Store } from '../store/store.ts';
import type { AwsWorld } from './aws.ts';
import type { Configuration } from './config/configuration.ts';
import { UsageError } from './config/usage-error.ts';
import { listen } from './listen.ts';
import { createPlaceClients } from './place-clients.ts';
import { previewPlan } from './preview.ts';

/** How a controller serves the API to others. */
export interface ApiOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** A person asked for just this address: without it the controller does not start. */
  readonly isChosen: boolean;
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly tokens?: readonly AccessToken[] | undefined;
  readonly isReadOnly: boolean;
  /** Of this program. */
  readonly version: string;
}

export interface ServeParts {
  readonly api: ApiClient;
  readonly store: Store;
  readonly aws: AwsWorld;
  readonly configuration: Configuration;
}

interface ServeOptions {
  readonly http?: ApiOptions | undefined;
  readonly region: string;
  readonly installation: string;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Log;
}

/** Undefined where none is wanted, or where the usual address is not to be had. @throws UsageError when the chosen one is not */
export async function serveApi(options: ServeOptions, parts: ServeParts): Promise<ApiServer | undefined> {
  const { http, clock, newId, log } = options;
  if (!http) return undefined;
  try {
    const server = await listen({
      ...http,
      ...contextOf(options, parts),
      ...{ clock, newId },
      onFailure: ({ method, path, error }) =>
        log('error', 'a request failed', { method, path, error: explain(error) }),
    });
    log('info', 'serving the API', { url: server.url });
    return server;
  } catch (error) {
    if (http.isChosen || !(error instanceof UsageError)) throw error;
    log('warn', 'the API is not served over HTTP', { error: `${error.message}; or say --listen none` });
    return undefined;
  }
}

function contextOf(
  options: ServeOptions,
  parts: ServeParts,
): Pick<ServerContext, 'api' | 'taskLogs' | 'preview' | 'about'> {
  const { clock, region, installation } = options;
  const { aws, configuration } = parts;
  const { accountId, address } = aws;
  const accounts = () => configuration.terms().accounts;
  const clients = createPlaceClients({ aws, region, accounts, installation, clock });
  const preview = (overlay: Parameters<typeof previewPlan>[1]) =>
    previewPlan(
      { ...parts, ...{ accountId, clients, clock, defaultRegion: region }, terms: configuration.terms() },
      overlay,
    );
  return {
    api: parts.api,
    taskLogs: createTaskLogs({ connect: clients.reader, installation, clock }),
    preview,
    about: async () => ({ aws: address, region, installation, accountId }),
  };
}
