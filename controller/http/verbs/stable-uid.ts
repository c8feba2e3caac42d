import { createHash } from 'node:crypto';

/** In the shape of a UUID, and always the same for the same text: for what is not stored, and has none of its own. */
export function stableUid(text: string): string {
  const digits = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
