import type { Command } from 'commander';
import {
  currentContext,
  findEntry,
  type KubeconfigFile,
  type NewContext,
  parseKubeconfig,
  renderKubeconfig,
  withContext,
  withCurrent,
} from '../client/kubeconfig.ts';
import { tokenIn } from '../client/token.ts';
import { codeOf } from '../machinery/error-code.ts';
import { type Context, connectionOptionsOf, type GlobalOptions, globalsOf } from './context.ts';
import { CliError } from './failure.ts';
import type { CliIo } from './io.ts';

interface Options extends GlobalOptions {
  readonly contextName: string;
  readonly print?: boolean;
  readonly setCurrent?: boolean;
}

export function addKubeconfig(program: Command, { io, offline }: Context): void {
  program
    .command('kubeconfig')
    .description('Write a kubeconfig context for this API')
    .option('--context-name <name>', 'Name of the context', 'bastion')
    .option('--kubeconfig <file>', 'Path of the kubeconfig; default: $KUBECONFIG or ~/.kube/config')
    .option('--print', 'Print the kubeconfig without writing it')
    .option('--set-current', 'Make it the current context')
    .action(async (options: Options, command: Command) => {
      await offline(() => kubeconfig(io, { ...options, ...globalsOf(command) }, command));
    });
}

async function kubeconfig(io: CliIo, options: Options, command: Command): Promise<number> {
  const { contextName: name, print = false, setCurrent = false } = options;
  const context = await newContext(io, options, command);
  if (print) {
    const content = withContext({}, context);
    io.stdout.write(renderKubeconfig(setCurrent ? withCurrent(content, name) : content));
    return 0;
  }
  const files = await readFiles(io, options.kubeconfig);
  const file = fileFor(files, name);
  const content = withContext(file.content, context);
  const speaker = files.find((one) => currentContext([one]) !== undefined) ?? file;
  const isSame = speaker === file;
  await write(io, file.path, setCurrent && isSame ? withCurrent(content, name) : content);
  if (setCurrent && !isSame) await write(io, speaker.path, withCurrent(speaker.content, name));
  const { server } = context.cluster;
  io.stdout.write(`context "${name}" for ${String(server)} is written to ${file.path}\n`);
  const choice = setCurrent || currentContext(files) === name ? '' : ` --context ${name}`;
  io.stderr.write(`Try: kubectl${choice} get bastions\n`);
  return 0;
}

/** What the server is known by stands in it whole, so that it works from any folder. */
async function newContext(io: CliIo, options: Options, command: Command): Promise<NewContext> {
  const server = await io.findServer(connectionOptionsOf(command));
  const { tokenFile, certificateAuthority, namespace, contextName: name } = options;
  const token = tokenFile === undefined ? undefined : tokenIn(await read(io, tokenFile), tokenFile);
  if (token !== undefined && server.protocol !== 'https:') {
    throw new CliError(
      'kubectl sends a token over TLS only',
      'name an https server, or leave --token-file out',
    );
  }
  const pem = certificateAuthority === undefined ? undefined : await read(io, certificateAuthority);
  const authority =
    pem === undefined ? {} : { 'certificate-authority-data': Buffer.from(pem).toString('base64') };
  return {
    ...{ name, namespace },
    cluster: { server: server.href.replace(/\/$/, ''), ...authority },
    user: token === undefined ? {} : { token },
  };
}

/** One that is not there yet says nothing. */
async function readFiles(io: CliIo, named: string | undefined): Promise<readonly KubeconfigFile[]> {
  const paths = named === undefined ? io.kubeconfigFiles : [named];
  return Promise.all(
    paths.map(async (path) => {
      try {
        return parseKubeconfig(path, await io.readFile(path));
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw readable(path, error);
        return { path, content: {}, isAbsent: true };
      }
    }),
  );
}

/** As kubectl chooses: where the context is, or else the first file that exists, or else the last one. */
function fileFor(files: readonly KubeconfigFile[], name: string): KubeconfigFile {
  const chosen =
    findEntry(files, 'contexts', name)?.file ?? files.find(({ isAbsent }) => !isAbsent) ?? files.at(-1);
  if (chosen) return chosen;
  throw new CliError(
    'there is no home folder to keep it in',
    'name a file with --kubeconfig, or say --print',
  );
}

async function write(io: CliIo, path: string, content: KubeconfigFile['content']): Promise<void> {
  try {
    await io.writeFile(path, renderKubeconfig(content));
  } catch (error) {
    throw new CliError(
      `${path} cannot be written: ${reasonOf(error)}`,
      'name another file with --kubeconfig',
    );
  }
}

async function read(io: CliIo, path: string): Promise<string> {
  try {
    return await io.readFile(path);
  } catch (error) {
    throw readable(path, error);
  }
}

function readable(path: string, error: unknown): unknown {
  return codeOf(error) === undefined ? error : new CliError(`${path} cannot be read: ${reasonOf(error)}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
