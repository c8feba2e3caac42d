import type { KubeObject } from './object.ts';

/** A core/v1 Event: what happened to one object, counted rather than repeated. */
export interface KubeEvent extends KubeObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Event';
  readonly involvedObject: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
  readonly type: 'Normal' | 'Warning';
  /** One CamelCase word. */
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly source: { readonly component: string };
}

/** An event before it is counted and stored. */
export interface EventDraft {
  readonly type: 'Normal' | 'Warning';
  /** One CamelCase word. */
  readonly reason: string;
  readonly message: string;
}
