import { createHash } from 'node:crypto';

/** What `--git URL[#ref][:path]` names. */
export interface GitSpec {
  /** Without credentials: this is what git is called with. */
  readonly url: string;
  /** Branch, tag, full commit id or HEAD. */
  readonly ref: string;
  /** Folder or file within the repository; empty for all of it. */
  readonly path: string;
  /** `URL#ref:path` without credentials: how the source is named to people, in annotations and records. */
  readonly display: string;
  /** Of an https URL; kept out of every text and every command line. */
  readonly credentials?: Credentials;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

class GitSpecError extends Error {
  override readonly name = 'GitSpecError';
}

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
/** Not `ext::command`, which would run the command. */
const SCP = /^(?:[\w.-]+@)?[\w.-]+:(?!:)/;

/** @throws GitSpecError that says what is wrong; credentials are not in it. */
export function parseGitSpec(text: string): GitSpec {
  const hash = text.indexOf('#');
  const [location, rest] = hash < 0 ? splitLocation(text) : [text.slice(0, hash), text.slice(hash + 1)];
  const colon = rest.indexOf(':');
  const ref = (colon < 0 ? rest : rest.slice(0, colon)) || 'HEAD';
  const path = colon < 0 ? '' : cleanPath(rest.slice(colon + 1));
  const { url, credentials } = checkUrl(location);
  checkRef(ref);
  const display = `${url}#${ref}${path === '' ? '' : `:${path}`}`;
  return { url, ref, path, display, ...(credentials && { credentials }) };
}

/** Stable over a change of credentials. */
export function sourceId(spec: GitSpec): string {
  return createHash('sha256').update(spec.display).digest('hex').slice(0, 12);
}

/** Takes every trace of the credentials out of what git says. */
export function redact(text: string, { credentials }: GitSpec): string {
  // A user without a password is a token.
  const secret = credentials?.password || credentials?.user;
  const forms = secret ? [secret, encodeURIComponent(secret)] : [];
  const clean = forms.reduce((result, form) => result.replaceAll(form, '***'), text);
  return clean.replace(/(https?:\/\/)[^/@\s]+@/gi, '$1***@');
}

/** Without `#`, a path follows the first colon that is not part of the URL's beginning. */
function splitLocation(text: string): [string, string] {
  if (/^[^/]*::/.test(text)) return [text, ''];
  const head = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(text)?.[0] ?? SCP.exec(text)?.[0] ?? '';
  const colon = text.indexOf(':', head.length);
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon)];
}

function checkUrl(location: string): { url: string; credentials?: Credentials } {
  if (location === '') throw new GitSpecError('A git source needs a URL or a path: URL[#ref][:path].');
  if (location.startsWith('-')) throw new GitSpecError('A git URL must not begin with "-".');
  if (hasControls(location)) throw new GitSpecError('A git URL must not hold control characters.');
  const scheme = SCHEME.exec(location)?.[1]?.toLowerCase();
  if (scheme === 'https') return splitCredentials(location);
  if (scheme === 'ssh') {
    if (/^ssh:\/\/[^/]*:[^/]*@/i.test(location))
      throw new GitSpecError('An ssh URL must not hold a password; use a key.');
    if (/^ssh:\/\/(?:[^/]*@)?-/i.test(location)) throw new GitSpecError('A host must not begin with "-".');
    return { url: location };
  }
  const isPlain = scheme === undefined && (SCP.test(location) || !/^[^/.]*:/.test(location));
  if (scheme === 'file' || isPlain) return { url: location };
  const found = scheme ?? location.slice(0, location.indexOf(':'));
  throw new GitSpecError(`Git over "${found}" is not allowed: use https, ssh, file or a local path.`);
}

function splitCredentials(location: string): { url: string; credentials?: Credentials } {
  let parsed: URL;
  try {
    parsed = new URL(location);
  } catch {
    throw new GitSpecError('The https URL of the git source cannot be read. Write https://host/path.');
  }
  const { username, password } = parsed;
  if (username === '' && password === '') return { url: location };
  const url = location.replace(/^(https:\/\/)[^/]*@/i, '$1');
  return { url, credentials: { user: decodeURIComponent(username), password: decodeURIComponent(password) } };
}

function checkRef(ref: string): void {
  const isSound =
    /^[\w][\w./+-]*$/.test(ref) && !ref.includes('..') && !ref.endsWith('/') && !ref.endsWith('.lock');
  if (!isSound) throw new GitSpecError(`"${ref}" is no git ref: name a branch, a tag or a full commit id.`);
}

function cleanPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || hasControls(path)) {
    throw new GitSpecError(`Path "${path}" must stay within the repository.`);
  }
  return parts.join('/');
}

function hasControls(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\u007f');
}
