import { dirname, resolve } from 'node:path';
import type { JsonObject } from '../machinery/json.ts';
import { ConfigurationError } from './configuration-error.ts';
import { contextNames, currentContext, findEntry, isText, type KubeconfigFile } from './kubeconfig.ts';
import type { TlsOptions } from './transport.ts';

/** Whom kubectl would talk to, and as whom. */
export interface KubeTarget {
  readonly server: URL;
  readonly token: string | undefined;
  readonly tls: TlsOptions;
}

export interface ContextChoice {
  /** Left out: the current one. */
  readonly context?: string | undefined;
  /** Instead of the context's. */
  readonly server?: string | undefined;
}

interface Chosen {
  readonly name: string;
  readonly context: JsonObject;
}

/** Undefined where no context is named and none is current. @throws ConfigurationError for one that does not exist */
function choose(files: readonly KubeconfigFile[], { context: wanted }: ContextChoice): Chosen | undefined {
  const name = wanted ?? currentContext(files);
  if (name === undefined) return undefined;
  const found = findEntry(files, 'contexts', name);
  if (found) return { name, context: found.entry };
  const names = contextNames(files);
  const hint =
    names.length === 0 ? 'make one: bastionctl kubeconfig' : `the contexts are ${names.join(', ')}`;
  throw new ConfigurationError(`context "${name}" does not exist`, hint);
}

/** Of the chosen context; undefined where it names none. @throws ConfigurationError */
export function contextNamespace(
  files: readonly KubeconfigFile[],
  choice: ContextChoice,
): string | undefined {
  const namespace = choose(files, choice)?.context['namespace'];
  return isText(namespace) ? namespace : undefined;
}

/**
 * Reads what the chosen context needs, its files included.
 * @throws ConfigurationError when it does not exist or says what is not understood here
 */
export async function kubeTarget(
  files: readonly KubeconfigFile[],
  choice: ContextChoice,
  readFile: (path: string) => Promise<string>,
): Promise<KubeTarget> {
  const chosen = choose(files, choice);
  const cluster = entryOf(files, 'clusters', chosen?.context['cluster']);
  const user = entryOf(files, 'users', chosen?.context['user']);
  const url = choice.server ?? cluster.entry['server'];
  if (!isText(url)) {
    const what = chosen ? `context "${chosen.name}" names no server` : 'no context is current';
    throw new ConfigurationError(
      what,
      'make one: bastionctl kubeconfig --set-current; or choose one with --context',
    );
  }
  refuseForeign(user.entry);
  const material = (from: Found, field: string) => materialOf(from, field, readFile);
  const tls = {
    ca: await material(cluster, 'certificate-authority'),
    cert: await material(user, 'client-certificate'),
    key: await material(user, 'client-key'),
    servername: textOf(cluster.entry['tls-server-name']),
    rejectUnauthorized: cluster.entry['insecure-skip-tls-verify'] === true ? false : undefined,
  };
  const token = textOf(user.entry['token']) ?? (await fileOf(user, 'tokenFile', readFile))?.trim();
  const given = Object.entries(tls).filter(([, value]) => value !== undefined);
  return { server: parseServer(url), token, tls: Object.fromEntries(given) };
}

/** @throws ConfigurationError */
export function parseServer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new ConfigurationError(`server: found "${text}", allowed: a URL such as http://127.0.0.1:8088`);
}

interface Found {
  readonly entry: JsonObject;
  /** Paths in a file are relative to it. */
  readonly folder: string;
}

function entryOf(files: readonly KubeconfigFile[], section: 'clusters' | 'users', name: unknown): Found {
  const found = isText(name) ? findEntry(files, section, name) : undefined;
  return { entry: found?.entry ?? {}, folder: found ? dirname(found.file.path) : '' };
}

function textOf(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}

/** Programs that make tokens belong to other clusters. */
function refuseForeign(user: JsonObject): void {
  const foreign = ['exec', 'auth-provider'].find((field) => user[field] !== undefined);
  if (foreign === undefined) return;
  throw new ConfigurationError(
    `the context's user gets its token by "${foreign}", which is not supported here`,
    'choose a context that bastionctl kubeconfig has made, with --context',
  );
}

/** PEM: inline in base64, or in a file. */
async function materialOf(
  from: Found,
  field: string,
  readFile: (path: string) => Promise<string>,
): Promise<string | undefined> {
  const data = from.entry[`${field}-data`];
  return isText(data) ? Buffer.from(data, 'base64').toString('utf8') : fileOf(from, field, readFile);
}

async function fileOf(
  { entry, folder }: Found,
  field: string,
  readFile: (path: string) => Promise<string>,
): Promise<string | undefined> {
  const path = entry[field];
  if (!isText(path)) return undefined;
  try {
    return await readFile(resolve(folder, path));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(`${field} of the kubeconfig cannot be read: ${why}`);
  }
}
