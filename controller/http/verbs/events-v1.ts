import { columnsFor } from '../../api/columns.ts';
import type { KubeEvent } from '../../machinery/event.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { AddRoutes } from '../context.ts';
import { type Projection, projectResources } from './projection.ts';
import { addProjection, type ProjectedType } from './projection-routes.ts';

const EVENTS_GROUP = 'events.k8s.io';

/** An Event as events.k8s.io has it: the same event under other names. */
interface EventsV1Event extends KubeObject {
  readonly regarding: KubeEvent['involvedObject'];
  readonly note: string;
  readonly type: KubeEvent['type'];
  readonly reason: string;
  readonly reportingController: string;
  readonly deprecatedFirstTimestamp: string;
  readonly deprecatedLastTimestamp: string;
  readonly deprecatedCount: number;
  readonly deprecatedSource: KubeEvent['source'];
}

const REGARDING = ['apiVersion', 'kind', 'namespace', 'name', 'uid', 'resourceVersion', 'fieldPath'];
const ADVICE = 'write events of v1';

const TYPE: ProjectedType = {
  ...{ group: EVENTS_GROUP, version: 'v1', plural: 'events', kind: 'Event', advice: ADVICE },
  columns: columnsFor('events').map((column) => ({
    ...column,
    cell: (object, now) => column.cell(toCore(object as EventsV1Event), now),
  })),
};

/** The stored events in the shape of events.k8s.io/v1. */
export const addEventsV1: AddRoutes = (app, { api }) => {
  const projection: Projection<KubeEvent> = {
    ...{ source: api.events, apiVersion: `${EVENTS_GROUP}/v1`, kind: 'Event', advice: ADVICE },
    resource: `events.${EVENTS_GROUP}`,
    selectable: [
      ...['metadata.name', 'metadata.namespace', 'reason', 'type', 'reportingController'],
      ...REGARDING.map((name) => `regarding.${name}`),
    ],
    project: toEventsV1,
  };
  addProjection(app, TYPE, projectResources(projection));
};

/** What clients wrote beyond what we write ourselves is kept under its name, which is the same in both groups. */
function toEventsV1(event: KubeEvent): EventsV1Event {
  const { apiVersion: _group, involvedObject, message, source, count, ...rest } = event;
  const { firstTimestamp, lastTimestamp, reportingComponent, ...others } = rest as typeof rest & {
    readonly reportingComponent?: string;
    readonly eventTime?: string | null;
  };
  return {
    ...others,
    apiVersion: `${EVENTS_GROUP}/v1`,
    eventTime: others.eventTime ?? microTime(firstTimestamp),
    regarding: involvedObject,
    note: message,
    reportingController: reportingComponent || source?.component || '',
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
    deprecatedSource: source,
  } as EventsV1Event;
}

/** For the table, whose columns are the same. */
function toCore(event: EventsV1Event): KubeEvent {
  return {
    ...{ apiVersion: 'v1', kind: 'Event', metadata: event.metadata },
    ...{ involvedObject: event.regarding, type: event.type, reason: event.reason, message: event.note },
    count: event.deprecatedCount,
    firstTimestamp: event.deprecatedFirstTimestamp,
    lastTimestamp: event.deprecatedLastTimestamp,
    source: event.deprecatedSource,
  };
}

function microTime(time: string | undefined): string | null {
  return time?.replace(/(\.\d+)?Z$/, '.000000Z') ?? null;
}
