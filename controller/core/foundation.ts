import { isRecord } from '../machinery/json.ts';
import type { Tags } from './resource.ts';

/** What a controller rests on in an account, in the order of creation; removal runs the other way round. */
export type FoundationKind = 'table' | 'policy' | 'role';

export type Properties = Readonly<Record<string, unknown>>;

export interface FoundationObject {
  readonly kind: FoundationKind;
  readonly name: string;
  /** In AWS's own words. */
  readonly properties: Properties;
  readonly tags: Tags;
}

/** What AWS has under the name of one. */
export interface FoundObject {
  readonly arn: string;
  readonly properties: Properties;
  readonly tags: Tags;
  /** Why nothing can be done with it now. */
  readonly busy?: string;
  /** What of others rests on it. */
  readonly inUse?: string;
}

export type Found = ReadonlyMap<string, FoundObject>;

export interface Change {
  readonly property: string;
  readonly found: unknown;
  readonly wanted: unknown;
}

export interface FoundationStep {
  /** refuse: nothing is done at all before a person has decided. */
  readonly action: 'create' | 'change' | 'unchanged' | 'refuse';
  readonly object: FoundationObject;
  readonly changes: readonly Change[];
  readonly why: string;
}

export interface RemovalStep {
  readonly action: 'delete' | 'keep' | 'absent';
  readonly object: FoundationObject;
  readonly why: string;
}

/** On all that `install` made or took over; the value is the region and table that it is for. */
export const INSTALLED_TAG = 'bastion-operator.dev/installed-for';

/** Set when it is made, and then a matter of the people who pay for it. */
const FREE: ReadonlySet<string> = new Set(['BillingMode', 'Description']);
/** AWS never changes them. */
const FIXED: ReadonlySet<string> = new Set(['AttributeDefinitions', 'KeySchema']);

export function nameOf({ kind, name }: Pick<FoundationObject, 'kind' | 'name'>): string {
  return `${kind}/${name}`;
}

/*
 *   in AWS            ours   differs   then
 *   nothing           -      -         create
 *   there, busy       -      -         refuse
 *   there             -      in FIXED  refuse
 *   there             yes    yes       change
 *   there             no     yes       refuse; with `adopt` change, which makes it ours
 *   there             -      no        unchanged; with `adopt` and not ours: change (its tags)
 * What was made for another table or region is never taken over: whoever removes that one, or this one, would take it from the other.
 */
export function planFoundation(
  wanted: readonly FoundationObject[],
  found: Found,
  { adopt }: { readonly adopt: boolean },
): readonly FoundationStep[] {
  return wanted.map((object) => {
    const present = found.get(nameOf(object));
    if (!present) return { action: 'create', object, changes: [], why: 'does not exist' };
    const changes = changesOf(object, present);
    const step = { object, changes };
    if (present.busy !== undefined) return { ...step, action: 'refuse', why: present.busy };
    const fixed = changes.filter(({ property }) => FIXED.has(property));
    if (fixed.length > 0) return { ...step, action: 'refuse', why: fixedWhy(fixed) };
    return decide(step, present, adopt);
  });
}

function decide(
  step: Pick<FoundationStep, 'object' | 'changes'>,
  present: FoundObject,
  adopt: boolean,
): FoundationStep {
  const isOurs = isMadeFor(step.object, present);
  const isSame = step.changes.every(({ property }) => property.startsWith('Tags.'));
  const madeFor = present.tags[INSTALLED_TAG];
  if (!isOurs && madeFor !== undefined) {
    if (isSame)
      return {
        ...step,
        changes: [],
        action: 'unchanged',
        why: `is as it should be, and was made for ${madeFor}`,
      };
    const why = `was made for ${madeFor}: uninstall that one first, or name another table with --table`;
    return { ...step, action: 'refuse', why };
  }
  if (!isOurs && !adopt && !isSame) {
    return { ...step, action: 'refuse', why: 'exists, and install did not make it: --adopt takes it over' };
  }
  if (!isOurs && !adopt) {
    const why = 'is as it should be; install did not make it, and leaves it alone';
    return { ...step, changes: [], action: 'unchanged', why };
  }
  const extras = extrasOf(step.object, present);
  const kept = extras.length === 0 ? '' : `somebody added ${extras.join(', ')}, which is left alone`;
  if (step.changes.length === 0) return { ...step, action: 'unchanged', why: kept };
  return { ...step, action: 'change', why: isOurs ? kept : 'is taken over' };
}

function fixedWhy(changes: readonly Change[]): string {
  const names = changes.map(({ property }) => property).join(' and ');
  return `has another ${names}, which cannot be changed: name another table with --table`;
}

function isMadeFor(object: FoundationObject, present: FoundObject): boolean {
  return present.tags[INSTALLED_TAG] === object.tags[INSTALLED_TAG];
}

function changesOf({ properties, tags }: FoundationObject, present: FoundObject): readonly Change[] {
  const wanted = Object.entries(flatten(properties)).filter(([property]) => !FREE.has(property));
  const found = flatten(present.properties);
  return [
    ...wanted.flatMap(([property, value]) => difference(property, found[property], value)),
    ...Object.entries(tags).flatMap(([name, value]) => difference(`Tags.${name}`, present.tags[name], value)),
  ];
}

function difference(property: string, found: unknown, wanted: unknown): readonly Change[] {
  return isSameText(found, wanted) ? [] : [{ property, found, wanted }];
}

/** What somebody gave a role besides. */
function extrasOf({ properties }: FoundationObject, present: FoundObject): readonly string[] {
  const wanted = flatten(properties);
  return Object.keys(flatten(present.properties)).filter((name) => name.includes('.') && !(name in wanted));
}

/** A role's policies are compared one by one: those with other names are somebody's own. */
function flatten({ Policies, ManagedPolicyArns, ...rest }: Properties): Properties {
  const policies = isRecord(Policies) ? Object.entries(Policies) : [];
  const arns = Array.isArray(ManagedPolicyArns) ? ManagedPolicyArns : [];
  return {
    ...rest,
    ...Object.fromEntries(policies.map(([name, document]) => [`Policies.${name}`, document])),
    ...Object.fromEntries(arns.map((arn) => [`ManagedPolicyArns.${arn}`, 'attached'])),
  };
}

function isSameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

/** In policies the order of a list says nothing, and a list of one is that one. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => JSON.stringify(canonical(item))).sort();
    return items.length === 1 ? JSON.parse(items[0] ?? '') : items;
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, canonical(item)]));
}

/** Only what `install` made goes, the table only when asked for. */
export function planRemoval(
  wanted: readonly FoundationObject[],
  found: Found,
  { deleteTable }: { readonly deleteTable: boolean },
): readonly RemovalStep[] {
  return wanted.toReversed().map((object) => {
    const present = found.get(nameOf(object));
    if (!present) return { action: 'absent', object, why: 'does not exist' };
    if (!isMadeFor(object, present)) return { action: 'keep', object, why: 'install did not make it' };
    if (object.kind === 'table' && !deleteTable)
      return { action: 'keep', object, why: 'holds the record of what was; --delete-table deletes it' };
    if (present.busy !== undefined) return { action: 'keep', object, why: present.busy };
    if (present.inUse !== undefined) return { action: 'keep', object, why: present.inUse };
    return { action: 'delete', object, why: '' };
  });
}
