import type { ObjectName } from '../machinery/object.ts';
import type { Declaration, Failure } from './judging.ts';

export interface Problem {
  readonly path?: string;
  readonly message: string;
}

export interface Declarations {
  readonly declared: ReadonlyMap<ObjectName, Declaration>;
  readonly failures: readonly Failure[];
  readonly problems: readonly Problem[];
  /** What may hold any Bastion, since it cannot be read: files, links and submodules, by path. */
  readonly unreadable: ReadonlyMap<string, Unreadable>;
}

export interface Unreadable {
  readonly blob: string;
  readonly message: string;
  /** As far as there is one. */
  readonly text?: string;
}
