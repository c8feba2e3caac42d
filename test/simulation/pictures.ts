import type { Bastion } from '../../controller/api/bastion.ts';
import { TAG } from '../../controller/aws/tags.ts';
import type { World } from './world.ts';

/** What a Bastion has come to, without what differs from one history to the next: ids, times and words. */
export interface Picture {
  readonly status: readonly string[];
  /** Our things, by what they are; the same twice is there twice. */
  readonly things: readonly string[];
  /** People's tags of things whose tags can be changed. */
  readonly tags: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** AWS takes these as they were made, or they are found without their tags being read again. */
const TAGGED_ONCE = ['activation', 'managed-instance', 'parameter', 'target-ingress', 'task-definition'];
const OWN_TAGS: readonly string[] = ['Name', ...Object.values(TAG)];

export function statusOf(bastion: Bastion | undefined): readonly string[] {
  const { status, metadata } = bastion ?? {};
  if (!status || status.observedGeneration !== metadata?.generation) return ['not looked at yet'];
  const { conditions = [], resources = [] } = status;
  // Looked for once an hour: nothing waits for it, and it may be shown or not.
  const isMadeByTask = bastion?.spec.access.activation?.issuer === 'Task';
  return [
    `phase ${status.phase}`,
    `path ${status.networkPath}`,
    `${status.sessionTarget === undefined ? 'no' : 'a'} session target`,
    ...conditions
      // Where it comes from is no part of what it is.
      .filter(({ type }) => type !== 'SourceSynced')
      .map(({ type, status, reason }) => `condition ${type} ${status} ${reason}`)
      .sort(),
    ...resources
      .filter(({ kind }) => kind !== 'activation' || !isMadeByTask)
      .map(({ key, state, shared = false }) => `resource ${key} ${state}${shared ? ' shared' : ''}`),
  ];
}

export function pictureOf(world: World, name: string): Picture {
  const ours = world.ours();
  // The longest first: one may stand in another.
  const byLength = [...ours].sort((a, b) => b.id.length - a.id.length);
  const names = new Map(byLength.map(({ id, kind, key }) => [id, `<${kind} ${key}>`]));
  const tags = new Map<string, Readonly<Record<string, string>>>();
  const things = ours.map((one) => {
    const [kind, id, pairs, content]: [string, string, [string, string][], unknown] = JSON.parse(one.text());
    const label = names.get(id) ?? id;
    const people = pairs.filter(([key]) => !OWN_TAGS.includes(key));
    if (!TAGGED_ONCE.includes(kind)) tags.set(label, Object.fromEntries(people));
    const own = pairs.filter(([key]) => OWN_TAGS.includes(key)).sort();
    return withoutIds(JSON.stringify([label, one.isLive, own, sorted(content)]), names);
  });
  return { status: statusOf(world.bastions.get(`default/${name}`)), things: things.sort(), tags };
}

/** Rules and the like come in the order in which they were made. */
function sorted(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function withoutIds(text: string, names: ReadonlyMap<string, string>): string {
  let plain = text.replace(/"sgr-[0-9a-f]+"/g, '"sgr"').replace(/at\([0-9T:-]+\)/g, 'at(end)');
  for (const [id, label] of names) plain = plain.replaceAll(id, label);
  return plain;
}

/**
 * What is wrong with one whose spec cannot be met: it says the same, is let in nowhere that it should not be, and may keep what
 * it had: a mistake in a spec takes nothing away.
 */
export function wrongs(expected: Picture, found: Picture): string[] {
  const tells = (line: string) => /^(condition Accepted |not looked)/.test(line);
  const missing = without(expected.status.filter(tells), found.status);
  const added = without(found.status.filter(tells), expected.status);
  const phase = found.status.find((line) => line.startsWith('phase '));
  const wanted = expected.status.flatMap((line) => /^resource (\S+)/.exec(line)?.[1] ?? []);
  const grants = found.things.filter((line) => line.startsWith('["<target-ingress '));
  return [
    ...missing.map((one) => `missing ${one}`),
    ...added.map((one) => `added ${one}`),
    ...(phase === 'phase Failed' || phase === 'phase Degraded' ? [] : [`is in ${phase}`]),
    ...grants
      .filter((grant) => !wanted.some((key) => grant.includes(`${key}>`)))
      .map((one) => `added ${one}`),
  ];
}

/** What is in one and not in the other, in words; nothing when they are alike. Further tags may be somebody's. */
export function differences(expected: Picture, found: Picture): string[] {
  const missing = without([...expected.status, ...expected.things], [...found.status, ...found.things]);
  const added = without([...found.status, ...found.things], [...expected.status, ...expected.things]);
  const tags = [...expected.tags].flatMap(([label, wanted]) => {
    const present = Object.entries(found.tags.get(label) ?? wanted).map(foldTag);
    return Object.entries(wanted).flatMap((tag) =>
      present.includes(foldTag(tag)) ? [] : [`${label} lacks the tag ${tag[0]}`],
    );
  });
  return [...missing.map((one) => `missing ${one}`), ...added.map((one) => `added ${one}`), ...tags];
}

/** IAM keeps the case in which a name came first. */
function foldTag([name, value]: readonly [string, string]): string {
  return `${name.toLowerCase()}=${value}`;
}

function without(all: readonly string[], some: readonly string[]): string[] {
  const left = [...some];
  return all.filter((one) => {
    const index = left.indexOf(one);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}
