import { createHash } from 'node:crypto';
import { ApiError } from '../../machinery/api-error.ts';
import { isRecord, type JsonObject } from '../../machinery/json.ts';

/** As many names may be taken already. */
const MAX_ATTEMPTS = 8;
const SUFFIX_LENGTH = 5;
/** Without vowels, so that no words come out. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
/** What a name of 63 characters leaves for its beginning. */
const MAX_BASE = 63 - SUFFIX_LENGTH;

/** What ends generated names, out of ids that differ each time. */
export function suffixesFrom(newId: () => string): () => string {
  return () => {
    const digest = createHash('sha256').update(newId()).digest();
    return [...digest.subarray(0, SUFFIX_LENGTH)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
  };
}

/** Creates what has only the beginning of a name under one that is free; all else as it is. */
export async function generateName<R>(
  sent: JsonObject,
  newSuffix: () => string,
  create: (manifest: JsonObject) => Promise<R>,
): Promise<R> {
  const { metadata } = sent;
  if (!isRecord(metadata) || !Object.hasOwn(metadata, 'generateName')) return create(sent);
  const { generateName: base, ...rest } = metadata;
  const isNamed = rest['name'] !== undefined && rest['name'] !== '';
  if (isNamed || typeof base !== 'string' || base === '') return create({ ...sent, metadata: rest });
  for (let attempt = 1; ; attempt++) {
    const name = `${base.slice(0, MAX_BASE)}${newSuffix()}`;
    try {
      return await create({ ...sent, metadata: { ...rest, name } });
    } catch (error) {
      const isTaken = error instanceof ApiError && error.reason === 'AlreadyExists';
      if (!isTaken || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
