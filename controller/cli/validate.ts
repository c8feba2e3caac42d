import type { Command } from 'commander';
import { lacksNetwork } from '../api/admission.ts';
import { DEFAULT_NAMESPACE } from '../machinery/object.ts';
import type { Context, GlobalOptions } from './context.ts';
import { CliError, writeLines } from './failure.ts';
import { addFilename } from './flags.ts';
import type { CliIo } from './io.ts';
import { errorLines, type ReadDocument, readManifests } from './manifests.ts';

interface Options extends GlobalOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
}

export function addValidate(program: Command, { io, offline }: Context): void {
  addFilename(program.command('validate'), 'Manifest file or directory, or - for stdin')
    .description('Validate manifests offline')
    .argument('[files...]', 'More files')
    .action(async (files: string[], { filename = [], recursive = false }: Options) => {
      const paths = [...filename, ...files];
      if (paths.length === 0) {
        throw new CliError('must specify -f FILE', 'for example: bastionctl validate -f bastion.yaml');
      }
      await offline(() => validate(io, paths, recursive));
    });
}

async function validate(io: CliIo, paths: readonly string[], recursive: boolean): Promise<number> {
  const { documents, failures } = await readManifests(io, paths, { recursive });
  writeLines(io.stderr, failures);
  let errors = failures.length;
  const places = new Map<string, string>();
  for (const document of documents) {
    const found = document.ok ? duplicates(document, places) : errorLines(document.place, document.errors);
    errors += found.length;
    writeLines(io.stderr, found);
    if (document.ok && found.length === 0) {
      const network = lacksNetwork(document.manifest)
        ? ', in the network that the controller is configured with'
        : '';
      io.stdout.write(`${document.source}: bastion/${document.manifest.metadata.name} is valid${network}\n`);
    }
  }
  return errors > 0 ? 1 : 0;
}

/** Two manifests of one name: whichever is applied last would win. */
function duplicates(document: Extract<ReadDocument, { ok: true }>, places: Map<string, string>): string[] {
  const { name, namespace = DEFAULT_NAMESPACE } = document.manifest.metadata;
  const known = places.get(`${namespace}/${name}`);
  places.set(`${namespace}/${name}`, document.place);
  if (known === undefined) return [];
  return [`${document.place}: metadata.name: bastion/${name} in namespace ${namespace} is also at ${known}`];
}
