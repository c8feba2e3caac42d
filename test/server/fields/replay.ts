import { fillDefaults } from '../../../controller/machinery/defaults.ts';
import { isRecord, type JsonObject, ownField } from '../../../controller/machinery/json.ts';
import { applyConflict } from '../../../controller/server/apply-conflict.ts';
import { applyConfiguration, trackUpdate } from '../../../controller/server/fields/index.ts';
import { compareText } from '../../../controller/server/fields/path-element.ts';
import { mergePatch } from '../../../controller/server/merge-patch.ts';
import { API_VERSION, type Outcome, type Scenario, type Step, schemaOf } from './vectors.ts';

/** What our own code makes of a scenario, with all around it as an API server does it. */
export function replay({ kind, steps }: Scenario): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  let live: JsonObject | undefined;
  steps.forEach((step, index) => {
    const outcome = take(kind, live, step, `2020-01-01T00:${String(index).padStart(2, '0')}:00Z`);
    live = outcome.object ?? live;
    outcomes.push(outcome);
  });
  return outcomes;
}

function take(kind: Scenario['kind'], live: JsonObject | undefined, step: Step, now: string): Outcome {
  const { verb, manager, force = false, object } = step;
  const schema = schemaOf(kind);
  const door = step.subresource ? { subresource: step.subresource } : {};
  const common = { schema, manager, apiVersion: API_VERSION, now, ...door };
  if (verb === 'store') return { object };
  if (verb === 'apply') {
    const applied = applyConfiguration({ ...common, stored: live, configuration: object, force });
    if (applied.conflicts.length === 0) return { object: stored(applied.object, live) };
    const { message, causes } = applyConflict(applied.conflicts);
    const conflicts = causes.map((cause) => ({ field: cause.field, message: cause.message }));
    // The order among managers is random in Kubernetes; the vectors have them sorted.
    return { message, conflicts: conflicts.sort((a, b) => compareText(a.message, b.message)) };
  }
  const sent = verb === 'patch' ? (mergePatch(live, object) as JsonObject) : object;
  const after = fillDefaults(schema, withoutEmpty(sent)) as JsonObject;
  const tracked = trackUpdate({ ...common, before: live, after });
  return { object: stored(ownPart(live, tracked, step.subresource), live) };
}

/** Each door of an API server changes its own part alone. */
function ownPart(
  live: JsonObject | undefined,
  next: JsonObject,
  subresource: 'status' | undefined,
): JsonObject {
  const before = ownField(live, 'status');
  if (subresource === undefined || live === undefined) {
    const { status: _status, ...rest } = next;
    return before === undefined ? rest : { ...rest, status: before };
  }
  const { status: _status, ...rest } = live;
  const metadata = {
    ...asRecord(live['metadata']),
    managedFields: asRecord(next['metadata'])['managedFields'],
  };
  const kept = { ...rest, metadata };
  return next['status'] === undefined ? kept : { ...kept, status: next['status'] };
}

/** What the server fills in, and what it leaves out, on the way into its storage. */
function stored(object: JsonObject, live: JsonObject | undefined): JsonObject {
  const { uid = '1', creationTimestamp = '2020-01-01T00:00:00Z' } = asRecord(live?.['metadata']);
  return withoutEmpty({ ...object, metadata: { ...asRecord(object['metadata']), uid, creationTimestamp } });
}

/** Null is nothing, since no field of ours may be null; and empty metadata is none. */
function withoutEmpty(object: JsonObject): JsonObject {
  const present = withoutNulls(object);
  const metadata = Object.entries(asRecord(present['metadata'])).filter(([, value]) => {
    return typeof value !== 'object' || Object.keys(value ?? {}).length > 0;
  });
  return { ...present, metadata: Object.fromEntries(metadata) };
}

function withoutNulls(object: JsonObject): JsonObject {
  const present = Object.entries(object).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(
    present.map(([name, value]) => [name, isRecord(value) ? withoutNulls(value) : value]),
  );
}

function asRecord(value: unknown): JsonObject {
  return isRecord(value) ? value : {};
}
