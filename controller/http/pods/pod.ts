import type { KubeObject } from '../../machinery/object.ts';

/** A Bastion's task as kubectl knows such things: `logs`, `describe` and `get` find it under the Bastion's name. */
export interface Pod extends KubeObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly spec: { readonly containers: readonly [Container] } & Readonly<Record<string, unknown>>;
  readonly status: PodStatus;
}

interface Container {
  readonly name: string;
  readonly image?: string;
  readonly ports: readonly ContainerPort[];
  readonly resources: object;
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol: 'TCP';
}

export interface PodStatus {
  readonly phase: 'Pending' | 'Running' | 'Failed';
  readonly reason?: string;
  readonly message?: string;
  readonly conditions: readonly object[];
  readonly containerStatuses: readonly [ContainerStatus];
  readonly startTime?: string;
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly image: string;
  readonly imageID: string;
  readonly containerID?: string;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
}

export type ContainerState =
  | { readonly running: { readonly startedAt: string | null } }
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly terminated: Terminated }
  | Readonly<Record<string, never>>;

interface Terminated {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly finishedAt?: string;
}
