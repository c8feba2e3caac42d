import { fillNetwork, lacksNetwork } from '../api/admission.ts';
import { type ParsedDocument, parseManifests } from '../api/manifest.ts';
import { formatFieldError, validateBastion } from '../api/schema.ts';
import type { FieldError } from '../machinery/api-error.ts';
import type { Manifest } from '../machinery/resources.ts';
import type { CliIo } from './io.ts';

export type ReadDocument = {
  readonly source: string;
  /** `orders.yaml:12`, with `: document 2` and `: item 1` where the file holds several. */
  readonly place: string;
} & (
  | { readonly ok: true; readonly manifest: Manifest }
  | {
      readonly ok: false;
      readonly name?: string;
      readonly namespace?: string;
      readonly errors: readonly FieldError[];
    }
);

export interface Reading {
  readonly documents: readonly ReadDocument[];
  /** What could not be read at all, one line each. */
  readonly failures: readonly string[];
}

const ANY_NETWORK = { vpcId: 'vpc-00000000', subnetIds: ['subnet-00000000'] };
const EXTENSION = /\.(ya?ml|json)$/i;

/** Reads every file, directory or `-` (stdin); what is wrong with one never hides the others. */
export async function readManifests(
  io: CliIo,
  paths: readonly string[],
  { recursive = false } = {},
): Promise<Reading> {
  const documents: ReadDocument[] = [];
  const failures: string[] = [];
  for (const path of paths) {
    try {
      for (const { source, text } of await readTexts(io, path, recursive)) {
        const found = readText(text, source);
        if (found.length === 0) failures.push(`error: ${source} holds no manifest`);
        documents.push(...found);
      }
    } catch (error) {
      failures.push(`error: ${explainRead(path, error)}`);
    }
  }
  return { documents, failures };
}

interface Text {
  readonly source: string;
  readonly text: string;
}

async function readTexts(io: CliIo, path: string, recursive: boolean): Promise<Text[]> {
  if (path === '-') return [{ source: 'stdin', text: await io.stdin() }];
  const files = await io.listFiles(path, { recursive });
  if (!files) return [{ source: path, text: await io.readFile(path) }];
  const manifests = files.filter((file) => EXTENSION.test(file));
  if (manifests.length > 0) {
    return Promise.all(manifests.map(async (source) => ({ source, text: await io.readFile(source) })));
  }
  const hint = recursive ? '' : ' (add -R to look into its folders)';
  throw new Error(`no .yaml, .yml or .json file in "${path}"${hint}`);
}

function explainRead(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return `the path "${path}" does not exist`;
  if (code === 'EACCES') return `the path "${path}" may not be read by you`;
  return error instanceof Error ? error.message : String(error);
}

function readText(text: string, source: string): ReadDocument[] {
  const parsed = parseManifests(text, { source });
  return parsed.map((document) => check(document, placeOf(document, parsed)));
}

function placeOf({ source, line, document, item }: ParsedDocument, all: readonly ParsedDocument[]): string {
  const several = all.some((other) => other.document !== document);
  const which = several ? `: document ${document}` : '';
  return `${source}:${line}${which}${item === undefined ? '' : `: item ${item + 1}`}`;
}

function check(document: ParsedDocument, place: string): ReadDocument {
  const { source } = document;
  if (!document.ok) {
    const { name, namespace, errors } = document;
    const known = { ...(name ? { name } : {}), ...(namespace ? { namespace } : {}) };
    return { source, place, ok: false, ...known, errors };
  }
  const { manifest } = document;
  // Whose network it is may be the controller's to say.
  const validation = validateBastion(lacksNetwork(manifest) ? fillNetwork(manifest, ANY_NETWORK) : manifest);
  if (validation.ok) return { source, place, ok: true, manifest };
  return { source, place, ok: false, name: manifest.metadata.name, errors: validation.errors };
}

/** `orders.yaml:12: spec.ttl: found …`, one line per error. */
export function errorLines(place: string, errors: readonly FieldError[]): string[] {
  return errors.map((error) => `${place}: ${formatFieldError(error)}`);
}
