import { distance } from 'fastest-levenshtein';

/** Nobody mistypes a name into something longer than this; the bound keeps hostile input cheap. */
const MAX_LENGTH = 64;

/** The candidate a person most likely meant, or undefined when none is near. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length === 0 || word.length > MAX_LENGTH) return undefined;
  const wanted = word.toLowerCase();
  let best: { candidate: string; score: number } | undefined;
  for (const candidate of candidates) {
    const score = difference(wanted, candidate.toLowerCase());
    if (score !== undefined && (!best || score < best.score)) best = { candidate, score };
  }
  return best?.candidate;
}

function difference(wanted: string, candidate: string): number | undefined {
  const edits = distance(wanted, candidate);
  if (edits <= Math.max(1, Math.floor(Math.max(wanted.length, candidate.length) / 3))) return edits;
  const [short, long] = wanted.length < candidate.length ? [wanted, candidate] : [candidate, wanted];
  // `subnets` for subnetIds, `BastionSpec` for Bastion.
  return short.length >= 3 && long.startsWith(short) ? edits : undefined;
}
