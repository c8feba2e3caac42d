import type { FastifyInstance } from 'fastify';
import type { About } from '../api/about.ts';
import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Tunnels } from '../api/session.ts';
import type { TaskLogs } from '../api/task-logs.ts';
import type { Clock } from '../machinery/clock.ts';

export type { TaskLogs } from '../api/task-logs.ts';

/** What every group of routes is given. */
export interface ServerContext {
  readonly api: ApiClient;
  readonly clock: Clock;
  /** Of this program, such as 0.1.0. */
  readonly version: string;
  /** Nothing can be changed through this server. */
  readonly isReadOnly: boolean;
  readonly taskLogs: TaskLogs | undefined;
  /** Of the person who runs this server, and alone uses it; left out where others do. */
  readonly tunnels?: Tunnels | undefined;
  /** The answer to `POST /bastion-operator/plan`, as JSON; left out where this process cannot look at AWS. */
  readonly preview: ((bastions: readonly Bastion[] | undefined) => Promise<unknown>) | undefined;
  /** Left out, or comes to undefined: it is not known. */
  readonly about?: (() => Promise<About | undefined>) | undefined;
}

/** One group of routes adds itself. */
export type AddRoutes = (app: FastifyInstance, context: ServerContext) => void;
