import type { ObjectName } from '../machinery/object.ts';
import type { Declarations, Problem } from './declared.ts';
import { findSaid, type Said } from './digests.ts';
import type { Declaration, Failure, Found } from './judging.ts';

/** What is on record of a Bastion of the source. */
export interface Known {
  /** The file that it comes from, as far as that is known. */
  readonly path?: string | undefined;
  readonly digest?: string | undefined;
  /** Where it may have gone, and nothing could be read before. */
  readonly doubts?: readonly string[] | undefined;
}

export interface Rivalry {
  readonly known: ReadonlyMap<ObjectName, Known>;
  /** Where it may have gone, and nothing can be read. */
  readonly placesOf: (name: ObjectName) => readonly string[];
  readonly whyOf: (places: readonly string[]) => string;
}

/**
 * Which document counts of those that declare the same Bastion. A Bastion stays with its file as long as that is there, and goes where
 * that moves: who may write another file cannot take it over. Where nobody can tell whether its file still says something of it,
 * none counts.
 */
export function collect(documents: readonly Found[], rivalry: Rivalry): Omit<Declarations, 'unreadable'> {
  const failures = documents.flatMap((found) => ('failure' in found ? [found.failure] : []));
  const problems: Problem[] = failures.map(({ path, name, message }) => ({
    ...{ path, message: name === undefined ? message : `Bastion ${name}: ${message}` },
  }));
  const held: Failure[] = [];
  const declared = new Map<ObjectName, Declaration>();
  for (const [name, candidates] of byName(documents)) {
    const before = rivalry.known.get(name);
    const winner = choose(candidates, before);
    const others = candidates.filter((one) => one !== winner);
    const doubt = before && doubtOf(winner, before, failures, rivalry);
    if (doubt) held.push(doubt);
    else declared.set(name, { ...winner, ...(others.length > 0 && { others }) });
    const where = doubt
      ? `in ${doubt.path}, which cannot be read. Repair or remove that one.`
      : `in ${winner.path} already, which wins. Remove one of them.`;
    for (const { path } of doubt ? candidates : others) {
      problems.push({ path, message: `Bastion ${name} is declared ${where}` });
    }
  }
  return { declared, failures: [...failures, ...held], problems };
}

type Candidates = readonly [Declaration, ...Declaration[]];

function byName(documents: readonly Found[]): ReadonlyMap<ObjectName, Candidates> {
  const found = new Map<ObjectName, Candidates>();
  for (const document of documents) {
    if ('failure' in document) continue;
    const { declaration } = document;
    const [first, ...rest] = found.get(declaration.name) ?? [];
    found.set(declaration.name, first ? [first, ...rest, declaration] : [declaration]);
  }
  return found;
}

function choose(candidates: Candidates, before: Known | undefined): Declaration {
  const own = candidates.find(({ path }) => path === before?.path);
  const moved = candidates.find((one) => isMoved(one, before));
  const repaired = candidates.find(({ path }) => before?.doubts?.includes(path));
  return own ?? moved ?? repaired ?? candidates[0];
}

/** What may say something else of a Bastion than the winner, as its own file that cannot be read where it was, or where it went. */
function doubtOf(
  { name, path, ...said }: Declaration,
  before: Known,
  failures: readonly Failure[],
  { placesOf, whyOf }: Rivalry,
): Failure | undefined {
  const isRepaired = before.doubts?.includes(path) === true;
  if (path === before.path) return undefined;
  const isKept = isMoved(said, before);
  const isAbout = (failure: Failure) => failure.name === undefined || failure.name === name || !isKept;
  const failure = failures.find((one) => one.path === before.path && isAbout(one));
  if (failure) return { ...failure, name };
  if (isKept) return undefined;
  const places = placesOf(name);
  const [place] = places;
  return place === undefined || isRepaired ? undefined : { path: place, name, message: whyOf(places) };
}

/** It says what the recorded file said. */
function isMoved(one: Said, before: Known | undefined): boolean {
  return findSaid([one], before?.digest) !== undefined;
}
