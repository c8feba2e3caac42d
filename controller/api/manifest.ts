import { EVENT_ID, load, parseEvents, YAMLException } from 'js-yaml';
import type { FieldError } from '../machinery/api-error.ts';
import { copyJson, isRecord, JsonError, ownField, showTyped } from '../machinery/json.ts';
import type { Manifest } from '../machinery/resources.ts';
import { type Chunk, splitDocuments } from '../machinery/split-documents.ts';
import { checkHeader } from './header.ts';
import { checkMetadata } from './metadata.ts';
import { validateBastion } from './schema.ts';
import { misplacedFields, toHub } from './versions.ts';

const MAX_CHARACTERS = 256 * 1024;
/** As deep as anything we accept, with room for a list of lists. */
const MAX_DEPTH = 32;
/** A hand-written manifest repeats a handful of things; nested aliases grow exponentially. */
const MAX_ALIASES = 16;
const MAX_NODES = 20_000;

interface Place {
  /** What the text came from: a path, a URL, `stdin`. */
  readonly source: string;
  /** Counts the documents of the text that hold anything, from 1. */
  readonly document: number;
  /** Position in a `kind: List`, from 0. */
  readonly item?: number;
  /** Where the document begins, from 1; for a syntax error, where that is. */
  readonly line: number;
}

export type ParsedDocument = Place &
  (
    | { readonly ok: true; readonly manifest: Manifest }
    /** `apiVersion`, `kind`, `name` and `namespace` are there as far as they could be read. */
    | {
        readonly ok: false;
        readonly apiVersion?: string;
        readonly kind?: string;
        readonly name?: string;
        readonly namespace?: string;
        readonly errors: readonly FieldError[];
      }
  );

/**
 * Reads YAML 1.2 or JSON text into manifests. Every document stands alone: one that cannot be read never hides the others.
 * A manifest that comes back `ok` has the right apiVersion and kind and sound metadata; its spec is `validateBastion`'s job.
 * Never throws.
 */
export function parseManifests(text: string, { source }: { readonly source: string }): ParsedDocument[] {
  if (text.length > MAX_CHARACTERS) {
    const message = `found ${text.length} characters, allowed: at most ${MAX_CHARACTERS} in one text; split it`;
    return [{ source, document: 1, line: 1, ok: false, errors: [{ field: '', type: 'TooLong', message }] }];
  }
  return splitDocuments(text)
    .map((chunk) => ({ chunk, content: readChunk(chunk) }))
    .filter(({ content }) => !(content.ok && (content.value === null || content.value === undefined)))
    .flatMap(({ chunk, content }, index) => {
      const place: Place = { source, document: index + 1, line: chunk.line };
      if (content.ok) return flatten(content.value, place);
      const { line, error } = content;
      return [{ ...place, line: line ?? place.line, ok: false as const, errors: [error] }];
    });
}

/** What one document holds; undefined where it holds nothing. */
export type Content =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: FieldError; readonly line?: number };

/** Reads one document under the limits of a manifest, whatever it holds. Never throws. */
export function readYaml(text: string): Content {
  if (text.length > MAX_CHARACTERS) {
    const message = `found ${text.length} characters of YAML, allowed: at most ${MAX_CHARACTERS}; send JSON`;
    return { ok: false, error: { field: '', type: 'TooLong', message } };
  }
  const [first, second] = splitDocuments(text);
  if (first && !second) return readChunk(first);
  const message = `found ${first ? 'several YAML documents' : 'nothing'}, allowed: one YAML document`;
  return { ok: false, error: { field: '', type: 'Invalid', message } };
}

function readChunk(chunk: Chunk): Content {
  try {
    const events = parseEvents(chunk.text, { maxDepth: MAX_DEPTH });
    const aliases = events.filter((event) => event.type === EVENT_ID.ALIAS).length;
    if (aliases > MAX_ALIASES) {
      const message = `found ${aliases} aliases, allowed: at most ${MAX_ALIASES}; write the values out`;
      return { ok: false, error: { field: '', type: 'Invalid', message } };
    }
    if (!events.some((event) => event.type === EVENT_ID.DOCUMENT)) return { ok: true, value: undefined };
    const value = load(chunk.text, { maxDepth: MAX_DEPTH });
    return { ok: true, value: copyJson(value, { maxDepth: MAX_DEPTH, maxNodes: MAX_NODES }) };
  } catch (error) {
    return explain(error, chunk);
  }
}

function explain(error: unknown, chunk: Chunk): Content {
  if (error instanceof JsonError) {
    return { ok: false, error: { field: error.field, type: 'Invalid', message: error.message } };
  }
  const reason = error instanceof YAMLException ? error.reason : String(error);
  const mark = error instanceof YAMLException ? error.mark : undefined;
  if (!mark) return { ok: false, error: { field: '', type: 'Invalid', message: `not YAML: ${reason}` } };
  const line = chunk.firstLine + mark.line;
  const message = `not YAML: ${reason} at line ${line}, column ${mark.column + 1}`;
  return { ok: false, line, error: { field: '', type: 'Invalid', message } };
}

const LISTS: readonly unknown[] = ['List', 'BastionList'];

function flatten(value: unknown, place: Place): ParsedDocument[] {
  if (!isRecord(value) || !LISTS.includes(ownField(value, 'kind'))) return [judge(value, place)];
  const items = ownField(value, 'items');
  if (Array.isArray(items))
    return items.map((item: unknown, index) => judge(item, { ...place, item: index }));
  const message = `found ${showTyped(items)}, allowed: a list of Bastions`;
  return [{ ...place, ok: false, errors: [{ field: 'items', type: 'TypeInvalid', message }] }];
}

function judge(sent: unknown, place: Place): ParsedDocument {
  const misplaced = misplacedFields(sent);
  const object = isRecord(sent) && misplaced.length === 0 ? toHub(sent) : sent;
  const metadata = ownField(object, 'metadata');
  if (
    misplaced.length === 0 &&
    isRecord(object) &&
    checkHeader(object).length === 0 &&
    checkMetadata(metadata).length === 0
  ) {
    return { ...place, ok: true, manifest: object as unknown as Manifest };
  }
  // All errors at once: what is wrong with the header must not hide what is wrong with the spec.
  const validation =
    misplaced.length > 0 ? { ok: false as const, errors: misplaced } : validateBastion(object);
  const [apiVersion, kind] = [ownField(object, 'apiVersion'), ownField(object, 'kind')];
  const [name, namespace] = [ownField(metadata, 'name'), ownField(metadata, 'namespace')];
  return {
    ...place,
    ok: false,
    ...(typeof apiVersion === 'string' ? { apiVersion } : {}),
    ...(typeof kind === 'string' ? { kind } : {}),
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof namespace === 'string' ? { namespace } : {}),
    errors: validation.ok ? [] : validation.errors,
  };
}
