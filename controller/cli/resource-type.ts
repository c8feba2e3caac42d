import { GROUP, SYSTEM_NAMESPACE } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { Resources } from '../machinery/resources.ts';
import { suggest } from '../machinery/suggest.ts';
import { CliError } from './failure.ts';

export type TypeName = 'bastions' | 'events' | 'guards' | 'gitsources';

const ALIASES: Readonly<Record<TypeName, readonly string[]>> = {
  bastions: ['bastions', 'bastion', 'bst', `bastions.${GROUP}`, `bastion.${GROUP}`, 'all'],
  events: ['events', 'event', 'ev'],
  guards: ['guards', 'guard', `guards.${GROUP}`, `guard.${GROUP}`],
  gitsources: ['gitsources', 'gitsource', 'sources', 'source', `gitsources.${GROUP}`, `gitsource.${GROUP}`],
};
const TYPES = Object.keys(ALIASES) as readonly TypeName[];

/** What a person named on the command line: `TYPE NAME…`, `TYPE/NAME…`, or names alone. */
export interface Selected {
  readonly type: TypeName;
  readonly names: readonly string[];
}

export function findType(word: string): TypeName | undefined {
  const wanted = word.toLowerCase();
  return TYPES.find((type) => ALIASES[type].includes(wanted));
}

/** For `get`: the first word is a type. @throws CliError */
export function parseTyped(words: readonly string[]): Selected {
  const [first, ...rest] = words;
  if (first === undefined) return { type: 'bastions', names: [] };
  if (first.includes('/')) return parseSlashed(words);
  const type = findType(first);
  if (!type) throw unknownType(first);
  return { type, names: rest.map((name) => plainName(name)) };
}

/** For the verbs that only know Bastions: the type may be left out. @throws CliError */
export function parseBastionNames(words: readonly string[]): readonly string[] {
  if (words.some((word) => word.includes('/'))) {
    const { type, names } = parseSlashed(words);
    if (type !== 'bastions') throw new CliError(`this command works on bastions, not on ${type}`);
    return names;
  }
  const [first, ...rest] = words;
  return first !== undefined && findType(first) === 'bastions' && (rest.length > 0 || words.length === 1)
    ? rest
    : words;
}

/** @throws CliError unless there is exactly one name. */
export function parseOneBastion(words: readonly string[], verb: string): string {
  const names = parseBastionNames(words);
  const [name] = names;
  if (name !== undefined && names.length === 1) return name;
  throw new CliError(
    names.length === 0 ? 'a Bastion must be named' : `expected one Bastion, found ${names.join(', ')}`,
    `for example: bastionctl ${verb} orders`,
  );
}

/** For the verbs that work on one Guard: the type may be left out. @throws CliError */
export function parseOneGuard(words: readonly string[], verb: string): string {
  const [first = ''] = words;
  const isTyped = first.includes('/') || (words.length > 1 && findType(first) === 'guards');
  const { type, names } = isTyped ? parseTyped(words) : { type: 'guards', names: words };
  const [name] = names;
  if (type === 'guards' && name !== undefined && names.length === 1) return name;
  throw new CliError(
    'one Guard must be named',
    `see which there are: bastionctl get guards, then: bastionctl ${verb} NAME`,
  );
}

/** Whether the words name objects of that type, for verbs that otherwise take Bastions. */
export function areOf(type: TypeName, words: readonly string[]): boolean {
  return findType(words[0]?.split('/')[0] ?? '') === type;
}

/** Where objects of a type are when nobody says: the controller keeps what it makes itself in a namespace of its own. */
export function homeOf(type: TypeName, home: string): string {
  return type === 'guards' || type === 'gitsources' ? SYSTEM_NAMESPACE : home;
}

function parseSlashed(words: readonly string[]): Selected {
  const parsed = words.map((word) => {
    const [typeWord = '', name = '', ...more] = word.split('/');
    if (name === '' || more.length > 0 || typeWord === '') {
      throw new CliError(
        `arguments in TYPE/NAME form must have one type and one name, found "${word}"`,
        'for example: bastion/orders',
      );
    }
    const type = findType(typeWord);
    if (!type) throw unknownType(typeWord);
    return { type, name };
  });
  const type = parsed[0]?.type ?? 'bastions';
  if (parsed.some((one) => one.type !== type)) {
    throw new CliError('bastions, events, guards and gitsources cannot be mixed in one command');
  }
  return { type, names: parsed.map(({ name }) => name) };
}

function plainName(name: string): string {
  if (!name.includes('/')) return name;
  throw new CliError(
    `there is no need to specify a resource type as a separate argument when passing arguments in TYPE/NAME form, found "${name}"`,
  );
}

function unknownType(word: string): CliError {
  const near = suggest(word, Object.values(ALIASES).flat());
  const hint = near
    ? `did you mean ${near}?`
    : `the types are bastions (bst), events (ev), guards and gitsources (sources); for one Bastion: bastionctl get bastion ${word}`;
  return new CliError(`the server doesn't have a resource type "${word}"`, hint);
}

export function resourcesOf(api: ApiClient, type: TypeName): Resources<KubeObject> {
  return api[type];
}

/** `bastion.bastion-operator.dev/orders`: how kubectl names an object in its messages. */
export function fullName({ kind, metadata }: KubeObject): string {
  return kind === 'Event' ? `event/${metadata.name}` : `${kind.toLowerCase()}.${GROUP}/${metadata.name}`;
}
