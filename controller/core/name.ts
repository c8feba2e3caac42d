import { createHash } from 'node:crypto';
import { canonical } from './desired.ts';

/** First hexadecimal digits of the SHA-256 of some data; the same data always gives the same digits. */
export function digest(value: unknown, length = 10): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, length);
}

/**
 * A name for AWS, derived and never random: readable as far as `maxLength` allows, unique by a digest of all its parts.
 * Only letters, digits and `-`, which every service takes.
 */
export function derivedName(parts: readonly string[], maxLength: number): string {
  const suffix = digest(parts, 8);
  const readable = parts.join('-').replace(/[^A-Za-z0-9-]+/g, '-');
  return `${readable.slice(0, maxLength - suffix.length - 1).replace(/-+$/, '')}-${suffix}`;
}
