import { ConfigurationError } from './configuration-error.ts';

/** The token in a file of one, or the first one in a file as the controller reads it: lines `token[,user]`. @throws ConfigurationError */
export function tokenIn(text: string, path: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const token =
    lines
      .find((line) => line !== '' && !line.startsWith('#'))
      ?.split(',')[0]
      ?.trim() ?? '';
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const found = token === '' ? 'no token' : 'a token with other characters than ASCII, or with spaces';
  throw new ConfigurationError(`${path} holds ${found}`, 'write the token there, on a line of its own');
}
