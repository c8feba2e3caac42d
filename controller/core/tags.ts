import type { Tags } from './resource.ts';

/** IAM holds `Team` and `team` for one tag, and refuses both together: here they are one everywhere. */
export function foldCase(name: string): string {
  return name.toLowerCase();
}

/** The tags of all, each once whatever its case. Of two spellings and of two values the smaller stays: any order ends the same. */
export function joinTags(...all: readonly Tags[]): Tags {
  const joined = new Map<string, readonly [name: string, value: string]>();
  for (const [name, value] of all.flatMap((tags) => Object.entries(tags))) {
    const present = joined.get(foldCase(name));
    joined.set(
      foldCase(name),
      present ? [smaller(name, present[0]), smaller(value, present[1])] : [name, value],
    );
  }
  const sorted = [...joined].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([, tag]) => tag));
}

function smaller(a: string, b: string): string {
  return a < b ? a : b;
}
