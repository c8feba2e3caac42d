/** Every full name that a ref may stand for, the one that counts first. */
export interface RefNames {
  readonly names: readonly string[];
  /** A commit id is one even where a branch is called so. */
  readonly id?: string;
}

export interface Resolved {
  /** Full name of the ref, or a commit id: what is fetched. */
  readonly ref: string;
  /** What the ref names: a commit, or a tag of one. */
  readonly object: string;
  /** What a person should know, when the name means several things. */
  readonly notice?: string;
}

const COMMIT_ID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

export function refNames(ref: string): RefNames {
  const named = [`refs/heads/${ref}`, `refs/tags/${ref}`];
  if (COMMIT_ID.test(ref)) return { names: named, id: ref };
  if (ref === 'HEAD') return { names: ['HEAD', ...named] };
  return { names: ref.startsWith('refs/') ? [ref, ...named] : [...named, `refs/${ref}`] };
}

/** What a remote has: full names, and the object that each names. */
export type Refs = ReadonlyMap<string, string>;

/** Reads what `git ls-remote` prints. */
export function parseRefs(listing: string): Refs {
  return new Map(
    listing.split('\n').flatMap((line) => {
      const [object, name] = line.split('\t');
      return object && name ? [[name, object] as const] : [];
    }),
  );
}

/**
 * Which ref of a remote a source follows: what it followed before as long as that is there, else the branch before the tag. A new
 * ref of the same name changes nothing, and one whose branch is gone does not go over to a tag.
 * @param followed the full name that this source followed before
 * @returns undefined when there is none, or none any more
 */
export function resolveRef(ref: string, existing: Refs, followed?: string): Resolved | undefined {
  const { names, id } = refNames(ref);
  const found = names.filter((name) => existing.has(name));
  const isBound = followed !== undefined && names.includes(followed) && id === undefined;
  const chosen = id ?? (isBound ? found.find((name) => name === followed) : found[0]);
  if (chosen === undefined) return undefined;
  const object = existing.get(chosen) ?? chosen;
  const others = found.filter((name) => name !== chosen);
  if (others.length === 0) return { ref: chosen, object };
  const what = chosen === id ? `the commit ${id}` : chosen;
  const notice =
    `"${ref}" names several things: ${what}, which is followed, and ${others.join(' and ')}. ` +
    `Delete the other one, or write the full name in the source: #${chosen === id ? others[0] : chosen}.`;
  return { ref: chosen, object, notice };
}

/** Why nothing is followed. */
export function missingRefText(ref: string, existing: Refs, followed: string | undefined): string {
  const others = refNames(ref).names.filter((name) => existing.has(name));
  const [other] = others;
  if (other === undefined) return `couldn't find remote ref ${ref}`;
  return `${followed} is gone, and ${others.join(' and ')} is another thing. Write #${other} in the source to follow that.`;
}
