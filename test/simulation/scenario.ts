import type { Settings } from '../../controller/core/resource.ts';
import type { World } from './world.ts';

/** A piece of life that everything is to survive. */
export interface Scenario {
  readonly name: string;
  /** One of those that are small and central: pairs of crashes are tried at all of its calls. */
  readonly isCore?: boolean;
  /** No fault is added: what it takes away is all that a new tenure would have to know. */
  readonly isTroubleEnough?: boolean;
  readonly replicas?: number;
  readonly withGit?: boolean;
  /** By how much the clocks of the replicas' machines are ahead from the start. */
  readonly skewsMs?: readonly number[];
  /** Of its controllers, where they are not the usual ones. */
  readonly settings?: Partial<Settings>;
  /** What people do, and what must come of it. What is left at the end is deleted, and nothing may be left behind. */
  readonly play: (world: World) => Promise<void>;
}
