import type { Bastion } from '../../controller/api/bastion.ts';
import type { TargetSpec } from '../../controller/api/target.ts';
import type { LeaseRecord } from '../../controller/store/store.ts';
import type { Call } from './boundary.ts';
import type { Thing } from './inventory.ts';

/** What an oracle may look at. */
export interface Scene {
  readonly now: () => number;
  /** Until when faults can still show: nothing is promised at once before. */
  readonly troubledUntil: () => number;
  /** The same of faults that may strike every call; trouble that leaves some of AWS answering is none of them. */
  readonly excusedUntil: () => number;
  /** By how much some replica's clock may be ahead. */
  readonly skewMs: () => number;
  /** By how much the clock of some machine may be behind. */
  readonly behindMs: () => number;
  /** Every Bastion as it was last committed. */
  readonly bastions: ReadonlyMap<string, Bastion>;
  /** The configuration names some. */
  readonly hasSources: () => boolean;
  /** Somebody has written this Bastion past everything: what its status says then is not the controller's doing. */
  readonly wasForged: (name: string) => boolean;
  /** The controller's own records of activations, by the uid of the Bastion. */
  readonly records: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly things: (service?: string) => Thing[];
  /** Whether a target is where a grant on this group and port leads, whatever anybody knows of it. */
  readonly isAt: (target: TargetSpec, groupId: string, port: number) => boolean;
  /** Codes of activations, past and present. */
  readonly secrets: ReadonlySet<string>;
  /** Since when no controller runs; undefined while one does. */
  readonly aloneSince: () => number | undefined;
  /** Of the controllers: how long a Bastion may live at most. */
  readonly maxTtlMs: number;
  /** Somebody has changed our resources by hand in this history. */
  readonly wasTampered: () => boolean;
  /** Some look showed something else than there was, beyond what AWS promises to catch up with. */
  readonly wasMisled: () => boolean;
  /** What was ours when the store was emptied: nobody has asked for it to go, or confirmed that it may. */
  readonly forgotten: ReadonlySet<string>;
  /** Nobody has asked for it to go. */
  readonly isWanted: (bastion: Bastion) => boolean;
  /** How somebody has closed a Bastion whom nobody has opened since. */
  readonly closedBy: (name: string) => 'suspension' | 'deletion' | undefined;
  /** Its file may be where nobody can read. */
  readonly isDoubted: (name: string) => boolean;
  /** Since when the source that it comes from is not configured any more; undefined while it is. */
  readonly orphanedAt: (bastion: Bastion) => number | undefined;
  readonly violate: (oracle: string, what: string) => void;
}

/** A promise, checked while a history goes on. Each part is optional; an oracle belongs to one history and may remember. */
export interface Oracle {
  readonly name: string;
  /** Before something changes in AWS; what it returns is called after. */
  readonly aroundEffect?: (call: Call, service: string) => (() => void) | undefined;
  /** A call that asked for a change, whatever became of it. */
  readonly onAttempt?: (call: Call) => void;
  readonly onBastion?: (next: Bastion | undefined, before: Bastion | undefined) => void;
  /** What is kept of a git source was written. */
  readonly onSource?: (name: string) => void;
  /** Everything written or said: log lines, stored objects. */
  readonly onOutput?: (text: string) => void;
  /** The lease as it stands now; `isForced`: nobody took it, somebody wrote it. */
  readonly onLease?: (next: LeaseRecord, isForced: boolean) => void;
  readonly onCall?: (call: Call) => void;
  /** Every few simulated seconds. */
  readonly onTick?: () => void;
}

export type OracleFactory = (scene: Scene) => Oracle;
