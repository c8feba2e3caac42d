import { execFile } from 'node:child_process';

export interface ObjectReaderOptions {
  /** Of the bare repository. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For what git and ssh-keygen write on the way. */
  readonly tempDir: string;
  readonly allowedSigners: string;
}

/** Runs git, or ssh-keygen, and returns what it wrote. @throws ProgramError */
export interface ObjectReader {
  git(args: readonly string[], input?: string): Promise<string>;
  sshKeygen(args: readonly string[]): Promise<string>;
}

/** `code` is undefined when the program could not be started, or was stopped. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  readonly code: number | undefined;
  readonly isMissing: boolean;
  constructor(message: string, { code, isMissing }: { code: number | undefined; isMissing: boolean }) {
    super(message);
    this.code = code;
    this.isMissing = isMissing;
  }
}

/** It is held in memory, and one commit can say that it changes more files than there are bytes in it. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MAX_MS = 300_000;

/**
 * Looks at commits with nothing but the objects themselves and the signers given: no configuration of the user or the machine, no
 * replaced objects, no grafts, no other program. What the environment says goes before what a repository says.
 */
export function createObjectReader({ dir, env, tempDir, allowedSigners }: ObjectReaderOptions): ObjectReader {
  const config = [
    ['gpg.format', 'ssh'],
    ['gpg.ssh.program', 'ssh-keygen'],
    ['gpg.ssh.allowedSignersFile', allowedSigners],
    // A signature of another sort can then never be good.
    ...['gpg.program', 'gpg.openpgp.program', 'gpg.x509.program'].map((name) => [name, '/dev/null']),
    ['core.commitGraph', 'false'],
  ];
  const environment = {
    PATH: env['PATH'],
    HOME: env['HOME'],
    TMPDIR: tempDir,
    LC_ALL: 'C',
    // Of dates in the file of signers, wherever the controller runs.
    TZ: 'UTC',
    GIT_DIR: dir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key = '', value = ''], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
  const run = (program: string, args: readonly string[], input = '') =>
    new Promise<string>((resolve, reject) => {
      const options = { env: environment, maxBuffer: MAX_OUTPUT_BYTES, timeout: MAX_MS };
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const code = typeof error.code === 'number' ? error.code : undefined;
        const said = stderr.trim() || error.message;
        reject(new ProgramError(said, { code, isMissing: String(error.code) === 'ENOENT' }));
      });
      // A program that ends before it has read everything says why by its exit code.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
  return {
    git: (args, input) => run('git', args, input),
    sshKeygen: (args) => run('ssh-keygen', args),
  };
}
