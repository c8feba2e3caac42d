import type { Clock } from '../machinery/clock.ts';
import type { Turns } from '../machinery/turns.ts';
import type { Place, Places } from './door/places.ts';
import type { Caller, Subject } from './door/request-info.ts';
import type { EventEncoder } from './watch/event-encoder.ts';

/** What all groups of routes of one server share; `app.serving`. */
export interface Serving {
  /** Aborts when the server closes: whatever streams has to end then. */
  readonly closing: AbortSignal;
  readonly clock: Clock;
  readonly requests: Places;
  readonly watches: Places;
  readonly bytes: Places;
  /** Of those who send much: others are answered between them. */
  readonly turns: Turns;
  readonly encoder: EventEncoder;
  /** Five characters for the end of a generated name, others each time. */
  readonly newSuffix: () => string;
  /** Told of each failure that is the server's own. */
  readonly onFailure: (failure: RequestFailure) => void;
}

export interface RequestFailure {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly error: unknown;
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly serving: Serving;
  }
  interface FastifyRequest {
    caller: Caller;
    /** Among the requests; undefined for what always is let in. */
    place: Place | undefined;
    /** Of the bytes of its body. */
    bodyPlace: Place | undefined;
    subject: Subject | undefined;
  }
}
