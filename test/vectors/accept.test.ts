import { describe, expect, it } from 'vitest';
import type { Bastion } from '../../controller/api/bastion.ts';
import { validateGuard } from '../../controller/api/guard-schema.ts';
import { defaultBastion, validateBastion } from '../../controller/api/schema.ts';
import type { FieldError } from '../../controller/machinery/api-error.ts';
import type { JsonObject } from '../../controller/machinery/json.ts';
import { mergePatch } from '../../controller/server/merge-patch.ts';
import { type Kind, readVectors } from '../server/fields/vectors.ts';

interface Case {
  readonly name: string;
  readonly kind: Kind;
  /** Merge patches of the base object. */
  readonly sent: JsonObject;
  readonly old?: JsonObject;
}

interface Verdict {
  readonly name: string;
  readonly accepted: boolean;
  readonly spec?: JsonObject;
  readonly errors?: readonly { readonly field: string; readonly detail: string }[];
}

const { bases, cases } = readVectors<{
  readonly bases: Readonly<Record<Kind, JsonObject>>;
  readonly cases: readonly Case[];
}>('accept-cases.json');
const verdicts = new Map(readVectors<readonly Verdict[]>('accept-golden.json').map((one) => [one.name, one]));

interface Ours {
  readonly errors: readonly FieldError[];
  readonly spec: unknown;
}

function judge({ kind, sent, old }: Case): Ours {
  const object = mergePatch(bases[kind], sent) as JsonObject;
  if (kind === 'Guard') return { errors: validateGuard(object), spec: undefined };
  const previous = old && (defaultBastion(mergePatch(bases[kind], old) as JsonObject) as unknown as Bastion);
  const result = validateBastion(object, previous);
  return result.ok ? { errors: [], spec: result.value.spec } : { errors: result.errors, spec: undefined };
}

const UNKNOWN = 'Kubernetes prunes what it does not know; a misspelt field is a wish not granted';
const RATCHETING =
  'Kubernetes lets pass what was there before; we want the whole spec valid as soon as it is changed';
const BEYOND = 'neither a schema nor CEL can say it';

/** Where we refuse what Kubernetes accepts: the field, and why. */
const STRICTER: Readonly<Record<string, readonly [field: string, why: string]>> = {
  'cron that is no schedule': ['spec.schedule.cron', BEYOND],
  'cron that never fires': ['spec.schedule.cron', BEYOND],
  'a time zone that there is not': ['spec.schedule.timeZone', BEYOND],
  'a tag key with an odd character': ['spec.tags[a;b]', BEYOND],
  'a renewal at no time': ['metadata.annotations[bastion-operator.dev/renewed-at]', BEYOND],
  'an unknown field': ['spec.bogus', UNKNOWN],
  'an unknown field in a target': ['spec.targets[0].bogus', UNKNOWN],
  'an unknown field at the top': ['bogus', UNKNOWN],
  'an unknown field in the metadata': ['metadata.bogus', UNKNOWN],
  'a guard with a spec': ['spec', UNKNOWN],
  'a ttl that is too short, as it was': ['spec.ttl', RATCHETING],
  'a subnet twice, as it was': ['spec.network.subnetIds[1]', RATCHETING],
  'an image of the wrong form, as it was': ['spec.task.image', RATCHETING],
  'memory that does not fit, as it was': ['spec.task.memory', RATCHETING],
};

/** What Kubernetes adds to say that it has not looked at everything yet. */
function fieldsOf({ errors = [] }: Verdict): readonly string[] {
  return errors
    .filter(({ detail }) => !detail.includes('some validation rules were not checked'))
    .map(({ field }) => field);
}

/** We are more exact within metadata and list items. */
function isAt(ours: string, theirs: string): boolean {
  return ours === theirs || (ours.startsWith(theirs) && /^[.[]/.test(ours.slice(theirs.length)));
}

describe('what Kubernetes accepts and refuses', () => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', (name, one) => {
    const verdict = verdicts.get(name);
    if (!verdict) throw new Error(`${name} is not among the answers of Kubernetes`);
    const ours = judge(one);
    const found = ours.errors.map(({ field }) => field);
    if (verdict.accepted) {
      const [stricter] = STRICTER[name] ?? [];
      expect(found).toEqual(stricter === undefined ? [] : [stricter]);
      if (stricter === undefined) expect(ours.spec).toEqual(verdict.spec);
      return;
    }
    expect(STRICTER).not.toHaveProperty([name]);
    expect(found).not.toEqual([]);
    const theirs = fieldsOf(verdict);
    expect(theirs.filter((field) => !found.some((mine) => isAt(mine, field)))).toEqual([]);
    expect(found.filter((mine) => !theirs.some((field) => isAt(mine, field)))).toEqual([]);
  });
  it('compares at least sixty objects, and knows every difference by one that there is', () => {
    expect(verdicts.size).toBeGreaterThanOrEqual(60);
    expect([...verdicts.keys()]).toEqual(expect.arrayContaining(Object.keys(STRICTER)));
  });
});
