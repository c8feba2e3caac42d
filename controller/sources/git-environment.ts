import type { GitSpec } from './git-spec.ts';

const PASSED_ON = [
  ...['PATH', 'HOME', 'USER', 'TMPDIR', 'XDG_CONFIG_HOME', 'SSH_AUTH_SOCK', 'GIT_CONFIG_GLOBAL'],
  ...[
    'HTTPS_PROXY',
    'https_proxy',
    'NO_PROXY',
    'no_proxy',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'GIT_SSL_CAINFO',
  ],
];
/** Git before 2.45 has no limit, and ends in the middle of a tree that is deep enough. */
const MAX_DEPTH = 256;

/**
 * What git is run with: nothing of the machine's settings, of the user's what it needs to find its way and its keys, and what keeps
 * it to the one repository that was named.
 */
export function gitEnvironment(
  spec: GitSpec,
  env: Readonly<Record<string, string | undefined>>,
  isStrict: boolean,
): Record<string, string> {
  const passed = PASSED_ON.flatMap((name): [string, string][] => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const config = [
    ['core.hooksPath', '/dev/null'],
    ['gc.autoDetach', 'false'],
    // A header that holds the login would go along to wherever a redirect leads. The second is stronger than a user's own for this address.
    ['http.followRedirects', 'false'],
    [`http.${spec.url}.followRedirects`, 'false'],
    // Nor is anything fetched from elsewhere because the server says so.
    ['transfer.bundleURI', 'false'],
    ['fetch.uriProtocols', ''],
    // All in packs, in which large objects are not unfolded in memory.
    ['fetch.unpackLimit', '1'],
    ['core.bigFileThreshold', '16m'],
    ['core.maxTreeDepth', String(MAX_DEPTH)],
    ...(isStrict ? [['fetch.fsckObjects', 'true']] : []),
    ...(spec.credentials ? [[`http.${spec.url}.extraHeader`, authorization(spec.credentials)]] : []),
  ];
  return {
    ...Object.fromEntries(passed),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'file:https:ssh',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    // By the environment and not by `-c`, since command lines can be read by every user of the machine.
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key = '', value = ''], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

function authorization({ user, password }: NonNullable<GitSpec['credentials']>): string {
  return `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
