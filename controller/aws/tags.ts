import { GROUP } from '../api/bastion.ts';
import type { Desired, Key, Tags } from '../core/resource.ts';
import { foldCase, joinTags } from '../core/tags.ts';
import type { ObjectName } from '../machinery/object.ts';

/*
 * Every resource the operator makes carries, from the call that creates it:
 *   bastion-operator.dev/installation  whose it is: nothing without this exact value is ever changed or deleted
 *   bastion-operator.dev/key           what it is: the key under which it is found again after a crash
 *   bastion-operator.dev/bastion       namespace/name it was made for; not on shared resources
 *   Name                               for people in the AWS console
 * and whatever spec.tags adds. Tags are read again in the client: a server-side filter only narrows what is listed.
 */
export const TAG = {
  installation: `${GROUP}/installation`,
  key: `${GROUP}/key`,
  bastion: `${GROUP}/bastion`,
} as const;

export interface Tagged {
  readonly owned: boolean;
  readonly key?: Key;
  readonly owner?: ObjectName;
  readonly tags: Tags;
}

const OURS: ReadonlySet<string> = new Set(['Name', ...Object.values(TAG)].map(foldCase));

/** What people may tag, each name once whatever its case, and none of ours. */
function peoplesTags(tags: Tags): Tags {
  return Object.fromEntries(Object.entries(joinTags(tags)).filter(([name]) => !OURS.has(foldCase(name))));
}

/** The tags of a resource about to be created. */
export function tagsFor(installation: string, desired: Desired, name: string): Tags {
  const [owner] = desired.owners;
  return {
    ...peoplesTags(desired.tags),
    Name: name,
    ...ownTags(installation, desired.key, desired.shared ? undefined : owner),
  };
}

/** Those by which it is ours, and found again. */
export function ownTags(installation: string, key: Key, owner?: ObjectName): Tags {
  return { [TAG.installation]: installation, [TAG.key]: key, ...(owner ? { [TAG.bastion]: owner } : {}) };
}

/** Of our own tags, those that somebody has taken away or changed. */
export function lostTags(own: Tags, present: Tags): Tags {
  return Object.fromEntries(Object.entries(own).filter(([name, value]) => present[name] !== value));
}

/** Reads any service's tag list: EC2, IAM and SSM write Key and Value, ECS key and value. */
export function readTags(
  installation: string,
  list:
    | readonly {
        Key?: string | undefined;
        Value?: string | undefined;
        key?: string | undefined;
        value?: string | undefined;
      }[]
    | undefined,
): Tagged {
  const tags = Object.fromEntries(
    (list ?? []).map((tag) => [tag.Key ?? tag.key ?? '', tag.Value ?? tag.value ?? '']),
  );
  const key = tags[TAG.key] as Key | undefined;
  const owner = tags[TAG.bastion] as ObjectName | undefined;
  const owned = tags[TAG.installation] === installation && key !== undefined;
  return { owned, tags, ...(owned && key ? { key } : {}), ...(owned && owner ? { owner } : {}) };
}

/** Key/Value pairs, as EC2, IAM and SSM take them. */
export function upper(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** key/value pairs, as ECS takes them. */
export function lower(tags: Tags): { key: string; value: string }[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}

/** People's tags that a resource lacks or has with another value; extra ones are left alone: they may be somebody's. */
export function missingTags(desired: Tags, present: Tags): Tags {
  const has = (name: string, value: string) =>
    present[name] === value ||
    Object.entries(present).some(([other, its]) => its === value && foldCase(other) === foldCase(name));
  return Object.fromEntries(
    Object.entries(peoplesTags(desired)).filter(([name, value]) => !has(name, value)),
  );
}
