import type { ObjectName } from '../machinery/object.ts';
import type { Declarations, Unreadable } from './declared.ts';
import { ANY_PLACE, MAX_PLACES, type SourceMemory } from './memory.ts';

export interface DoubtOptions {
  readonly unreadable: Declarations['unreadable'];
  /** Content of every path at the commit that was in force before; undefined when nobody knows. */
  readonly before: ReadonlyMap<string, string> | undefined;
  readonly doubts: SourceMemory['doubts'];
}

/**
 * Where a Bastion may have gone that is declared no more: nowhere, when the list is empty. Whatever cannot be read and is new or
 * changed since it was last declared may be its new place, and so may any text that names it. That stays so until the place can be
 * read or is gone, however many commits come between.
 */
export function createDoubts({ unreadable, before, doubts }: DoubtOptions) {
  const isChanged = (path: string, { blob }: Unreadable) => before?.get(path) !== blob;
  const changed = [...unreadable].flatMap(([path, entry]) => (isChanged(path, entry) ? [path] : []));
  const placesOf = (name: ObjectName): readonly string[] => {
    const earlier = (doubts[name] ?? []).flatMap((place) =>
      place === ANY_PLACE ? [...unreadable.keys()] : [place],
    );
    const named = [...unreadable].flatMap(([path, { text }]) => (mentions(text, name) ? [path] : []));
    const places = new Set([...earlier, ...changed, ...named].filter((path) => unreadable.has(path)));
    return [...places].sort();
  };
  const whyOf = ([first = '']: readonly string[]) => {
    const why = (unreadable.get(first)?.message ?? '').replace(/\.$/, '');
    return `may be its new place and cannot be read: ${why}.`;
  };
  const textOf = (places: readonly string[]) => {
    const more = places.length > 1 ? ` (and ${places.length - 1} more)` : '';
    return `${places[0]}${more} ${whyOf(places)}`;
  };
  return { placesOf, textOf, whyOf };
}

/** As many as are worth remembering one by one. */
export function remembered(places: readonly string[]): readonly string[] {
  return places.length > MAX_PLACES ? [ANY_PLACE] : places;
}

/** As a word of its own: `orders` is not in `orders-db`. */
function mentions(text: string | undefined, name: ObjectName): boolean {
  const own = name.slice(name.indexOf('/') + 1);
  const escaped = own.replaceAll('.', String.raw`\.`);
  return text !== undefined && new RegExp(`(?<![\\w.-])${escaped}(?![\\w.-])`).test(text);
}
