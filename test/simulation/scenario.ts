import type { World } from './world.ts';

/** A piece of life that everything is to survive. */
export interface Scenario {
  readonly name: string;
  /** One of those that are small and central: pairs of crashes are tried at all of its calls. */
  readonly isCore?: boolean;
  readonly replicas?: number;
  readonly withGit?: boolean;
  /** By how much the clocks of the replicas' machines are ahead from the start. */
  readonly skewsMs?: readonly number[];
  /** What people do, and what must come of it. What is left at the end is deleted, and nothing may be left behind. */
  readonly play: (world: World) => Promise<void>;
}
