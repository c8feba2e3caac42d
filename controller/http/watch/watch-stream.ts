import type { FastifyReply, FastifyRequest } from 'fastify';
import type { KubeObject } from '../../machinery/object.ts';
import type { List, Resources, WatchEvent } from '../../machinery/resources.ts';
import type { Serving } from '../serving.ts';
import { JSON_TYPE } from '../verbs/body.ts';
import { type Representation, readRepresentation, type Shape } from '../verbs/represent.ts';
import { asApiError, failureStatus, internalError } from '../verbs/status-error.ts';
import { encodeLine } from './event-encoder.ts';
import type { LineWriter } from './line-writer.ts';
import { beginStream, begun, type Stream } from './stream.ts';
import { readWatchRequest, type WatchRequest } from './watch-query.ts';

/** What can be watched. */
export type Watchable = Pick<Resources<KubeObject>, 'list' | 'watch'>;

export interface WatchTarget {
  readonly resources: Watchable;
  readonly shape: Shape;
  readonly namespace: string | undefined;
  readonly name?: string | undefined;
}

const BOOKMARK_EVERY_MS = 60_000;
/** A store that has not answered by then is not waited for: the client learns of its watch, and later of what goes wrong. */
const MAX_SILENCE_MS = 500;
const INITIAL_EVENTS_END = { 'k8s.io/initial-events-end': 'true' };

/**
 * Answers with a line for each change, until the client goes, its time is over or the server closes.
 * @throws ApiError for what is wrong before the first line
 */
export async function serveWatch(
  request: FastifyRequest,
  reply: FastifyReply,
  target: WatchTarget,
): Promise<void> {
  const { serving } = request.server;
  const wanted = readWatchRequest(request, target.namespace);
  const representation = readRepresentation(request, 'watch');
  const stream = beginStream(request, reply);
  const timer =
    wanted.timeoutMs === undefined ? undefined : serving.clock.setTimer(wanted.timeoutMs, stream.stop);
  try {
    await follow({ request, serving, target, wanted, representation, stream });
  } finally {
    timer?.cancel();
    stream.finish();
  }
}

interface Watch {
  readonly request: FastifyRequest;
  readonly serving: Serving;
  readonly target: WatchTarget;
  readonly wanted: WatchRequest;
  readonly representation: Representation;
  readonly stream: Stream;
}

async function follow(watch: Watch): Promise<void> {
  const { serving, target, wanted, stream } = watch;
  const selection = {
    ...wanted.selection,
    ...(target.name === undefined ? {} : { name: target.name }),
  };
  const initial = wanted.from === undefined ? await target.resources.list(selection) : undefined;
  const from = initial?.resourceVersion ?? wanted.from ?? '0';
  const progress = createProgress(from);
  const query = { ...selection, from, onProgress: progress.tell };
  const events = target.resources.watch(query, stream.signal)[Symbol.asyncIterator]();
  const first = events.next();
  // What it comes to is looked at below; a failure must not count as unhandled until then.
  first.catch(() => {});
  await begun(Promise.race([first, progress.told]), serving.clock, MAX_SILENCE_MS);
  const writer = stream.open(JSON_TYPE);
  const teller = createTeller(watch, writer);
  try {
    if (initial && wanted.isInitialWanted) await tellInitial(teller, initial, wanted.isInitialMarked);
    const bookmarks = wanted.wantsBookmarks ? keepMarking(serving, teller, writer, progress) : undefined;
    try {
      await tellAll(events, first, teller, progress);
    } finally {
      bookmarks?.cancel();
    }
  } catch (error) {
    await tellFailure(watch, writer, error);
  } finally {
    stream.stop();
    void events.return?.(undefined).catch(() => {});
  }
}

type Events = AsyncIterator<WatchEvent<KubeObject>>;

/** Up to where everything has been told. */
interface Progress {
  readonly version: string;
  tell(version: string): void;
  readonly told: Promise<void>;
}

function createProgress(from: string): Progress {
  let version = from;
  let resolve = () => {};
  const told = new Promise<void>((settle) => {
    resolve = settle;
  });
  return {
    get version() {
      return version;
    },
    tell(next) {
      version = next;
      resolve();
    },
    told,
  };
}

interface Teller {
  /** Resolves to false when there is nobody to tell any more. */
  tell(event: WatchEvent<KubeObject>): Promise<boolean>;
  mark(version: string, annotations?: object): Promise<void>;
}

function createTeller({ serving, target, representation }: Watch, writer: LineWriter): Teller {
  const { shape } = target;
  let hasTold = false;
  return {
    async tell({ type, object }) {
      const line = serving.encoder.encode(type, object, representation, shape, !hasTold);
      hasTold = true;
      return writer.write(line);
    },
    async mark(resourceVersion, annotations) {
      const metadata = { resourceVersion, creationTimestamp: null, ...(annotations ? { annotations } : {}) };
      const object = { apiVersion: shape.apiVersion, kind: shape.kind, metadata };
      await writer.write(encodeLine('BOOKMARK', bookmark(object, representation, shape)));
    },
  };
}

/** Its cells have nothing to show, and are there for clients that count them. */
function bookmark(
  object: { readonly metadata: object },
  { form }: Representation,
  { columns }: Shape,
): object {
  if (form.as === 'Object') return object;
  const header = { apiVersion: `meta.k8s.io/${form.version}` };
  const partial = { kind: 'PartialObjectMetadata', ...header, metadata: object.metadata };
  if (form.as === 'PartialObjectMetadata') return partial;
  const rows = [{ cells: columns.map(() => ''), object: partial }];
  return { kind: 'Table', ...header, metadata: object.metadata, columnDefinitions: null, rows };
}

async function tellInitial(
  teller: Teller,
  { items, resourceVersion }: List<KubeObject>,
  isMarked: boolean,
): Promise<void> {
  for (const object of items) if (!(await teller.tell({ type: 'ADDED', object }))) return;
  if (isMarked) await teller.mark(resourceVersion, INITIAL_EVENTS_END);
}

async function tellAll(
  events: Events,
  first: ReturnType<Events['next']>,
  teller: Teller,
  progress: Progress,
): Promise<void> {
  for (let next = await first; !next.done; next = await events.next()) {
    if (!(await teller.tell(next.value))) return;
    progress.tell(next.value.object.metadata.resourceVersion);
  }
}

/** Now and then the client is told from where it could go on, though nothing has happened to what it watches. */
function keepMarking({ clock }: Serving, teller: Teller, writer: LineWriter, progress: Progress) {
  const mark = () => {
    if (!writer.isBlocked) void teller.mark(progress.version);
    timer = clock.setTimer(BOOKMARK_EVERY_MS, mark);
  };
  let timer = clock.setTimer(BOOKMARK_EVERY_MS, mark);
  return { cancel: () => timer.cancel() };
}

async function tellFailure({ request, stream }: Watch, writer: LineWriter, error: unknown): Promise<void> {
  if (stream.signal.aborted) return;
  const known = asApiError(error);
  if (!known) {
    const path = request.url.split('?', 1)[0] ?? '';
    request.server.serving.onFailure({ method: 'WATCH', path, error });
  }
  await writer.write(encodeLine('ERROR', failureStatus(known ?? internalError(), request.subject)));
}
