/** What a session's plugin is started with, as the official one reads it. */
export interface Handover {
  readonly sessionId: string;
  readonly streamUrl: string;
  readonly token: string;
  readonly errand: Errand;
}

export type Errand =
  | { readonly kind: 'port'; readonly host: string; readonly port: number; readonly localPort: number }
  | { readonly kind: 'shell'; readonly command?: string };

export type Env = Record<string, string | undefined>;

export class HandoverError extends Error {
  override readonly name = 'HandoverError';
}

const VARIABLE = /^AWS_SSM_START_SESSION_RESPONSE/;

/** Takes the answer to StartSession out of the environment. @throws HandoverError */
export function readHandover(words: readonly string[], env: Env): Handover {
  const [first = '', , operation = '', , request = '', endpoint = ''] = words;
  if (operation !== 'StartSession') throw new HandoverError('Invalid Operation');
  if (!VARIABLE.test(first)) throw new HandoverError('Cannot perform start session: no variable is named');
  const response = readJson(env[first] ?? '');
  delete env[first];
  checkLoopback(endpoint);
  const field = (name: string) => {
    // As in Go, whose JSON names are the same in upper and lower case.
    const found = Object.entries(response).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
    if (typeof found !== 'string') throw new HandoverError(`Cannot perform start session: no ${name}`);
    return found;
  };
  return {
    sessionId: field('SessionId'),
    streamUrl: field('StreamUrl'),
    token: field('TokenValue'),
    errand: errandOf(readJson(request)),
  };
}

function errandOf(request: object): Errand {
  const parameters = 'Parameters' in request ? request.Parameters : undefined;
  const value = (name: string): string | undefined => {
    const found: unknown = Object.entries(parameters ?? {}).find(([key]) => key === name)?.[1];
    return Array.isArray(found) && found.length > 0 ? String(found[0]) : undefined;
  };
  const port = value('portNumber');
  if (port === undefined) {
    const command = value('command');
    return { kind: 'shell', ...(command === undefined ? {} : { command }) };
  }
  const localPort = Number(value('localPortNumber') ?? '0');
  return { kind: 'port', host: value('host') ?? '127.0.0.1', port: Number(port), localPort };
}

function readJson(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Not told in more detail: there may be a token in it.
  }
  throw new HandoverError('Cannot perform start session: no JSON');
}

/** It stands in for a secret's keeper: nothing real may be reached through it. */
function checkLoopback(endpoint: string): void {
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : '';
  if (['127.0.0.1', 'localhost', '[::1]'].includes(host)) return;
  throw new HandoverError(
    `Cannot perform start session: ${endpoint || 'no endpoint'} is not a simulated AWS of this machine`,
  );
}
