import type { AccessToken } from '../../http/door/safety.ts';
import type { ApiOptions } from '../api-server.ts';
import { readFlagFile } from './flag-file.ts';
import { UsageError } from './usage-error.ts';

export interface ApiFlags {
  readonly listen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tokenFile?: string;
  readonly readOnly?: boolean;
}

/** Undefined for `--listen none`. @throws UsageError naming the flag, what was found and what is allowed */
export async function readApiFlags(
  flags: ApiFlags,
  { isChosen, version }: Pick<ApiOptions, 'isChosen' | 'version'>,
): Promise<ApiOptions | undefined> {
  if (flags.listen === 'none') return undefined;
  const { tlsCert, tlsKey, tokenFile, readOnly = false } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const [given, missing] =
      tlsCert === undefined ? ['--tls-key', '--tls-cert'] : ['--tls-cert', '--tls-key'];
    throw new UsageError(`${given} needs ${missing}: a certificate is of no use without its key`);
  }
  const tls =
    tlsCert === undefined || tlsKey === undefined
      ? undefined
      : { cert: await readFlagFile('--tls-cert', tlsCert), key: await readFlagFile('--tls-key', tlsKey) };
  const tokens =
    tokenFile === undefined
      ? undefined
      : parseTokens(await readFlagFile('--token-file', tokenFile), tokenFile);
  return { ...{ isChosen, version, tls, tokens }, listen: parseListen(flags.listen), isReadOnly: readOnly };
}

/** `127.0.0.1:8088`, `[::1]:0` @throws UsageError */
export function parseListen(text: string, flag = '--listen'): ApiOptions['listen'] {
  const [, bracketed, plain, port = ''] = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new UsageError(`${flag}: found ${text}, allowed: host:port such as 127.0.0.1:8088, or none`);
}

/** One token a line, and after a comma who that is. @throws UsageError */
export function parseTokens(text: string, path: string): readonly AccessToken[] {
  const lines = text.split(/\r?\n/).map((line, index) => ({ line: line.trim(), at: index + 1 }));
  const meant = lines.filter(({ line }) => line !== '' && !line.startsWith('#'));
  const tokens = meant.map(({ line, at }): AccessToken => {
    const [token = '', ...names] = line.split(',').map((part) => part.trim());
    const [user = ''] = names;
    // Never the line itself: it is a secret.
    if (!/^[\x21-\x7e]+$/.test(token) || names.length > 1)
      throw new UsageError(`--token-file: line ${at} of ${path} is not token or token,user`);
    return { token, user: user || `line-${at}` };
  });
  if (tokens.length === 0) throw new UsageError(`--token-file: ${path} holds no token`);
  if (new Set(tokens.map(({ token }) => token)).size < tokens.length)
    throw new UsageError(`--token-file: ${path} holds a token twice: each stands for one user`);
  return tokens;
}
