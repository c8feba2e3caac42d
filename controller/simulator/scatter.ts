/**
 * The members of a list in an order that nobody can rely on, the same for the same salt: AWS promises none for tags, overrides,
 * containers and the like, and gives them now in one order and now in another.
 */
export function scatter<T>(items: readonly T[], salt: string): T[] {
  const ranked = items.map((item, index) => ({ item, rank: rankOf(`${salt} ${index}`) }));
  return ranked.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}

/** FNV-1a, mixed once more: short texts that differ in their last character come to lie far apart. */
function rankOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
}
