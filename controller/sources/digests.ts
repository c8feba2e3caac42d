import { createHash } from 'node:crypto';
import type { JsonObject } from '../machinery/json.ts';
import { isRecord } from '../machinery/json.ts';
import { splitDocuments } from '../machinery/split-documents.ts';

/** What a document says, to be compared with what it said before. */
export interface Said {
  /** It stays when its file moves, or when another document of the file changes. */
  readonly digest: string;
  /** Of an item of a list, as it was taken before items had digests of their own: still the same word, not a new one. */
  readonly former?: string;
}

interface Place {
  /** Where the document begins. */
  readonly line: number;
  /** Of a list that the document is. */
  readonly item?: number;
  readonly manifest: JsonObject;
}

/** A document is taken as it is written; an item of a list only by what it says, since its text cannot be told from the others'. */
export function digestsOf(text: string): (place: Place) => Said {
  const digests = new Map(splitDocuments(text).map((chunk) => [chunk.line, digestOf(chunk.text)]));
  return ({ line, item, manifest }) => {
    const whole = digests.get(line) ?? digestOf(text);
    return item === undefined ? { digest: whole } : { digest: hash(canonical(manifest)), former: whole };
  };
}

/** What of all that is said was said before, if anything; as it is taken now. */
export function findSaid(said: readonly Said[], before: string | undefined): string | undefined {
  if (before === undefined) return undefined;
  return said.find(({ digest, former }) => digest === before || former === before)?.digest;
}

/** Without the markers around it, so that it may move into a file with others. */
function digestOf(text: string): string {
  return hash(
    text
      .replace(/^---(?=\s)/, '')
      .replace(/\n\.\.\.\s*$/, '')
      .trim(),
  );
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The order of the keys says nothing. */
function canonical(value: unknown): string {
  const sorted = (_key: string, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner;
  return JSON.stringify(value, sorted);
}
