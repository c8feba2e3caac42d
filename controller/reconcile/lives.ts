import type { Bastion } from '../api/bastion.ts';
import { type Life, lifetime } from '../core/lifetime.ts';
import { isOrphan, type Origins, orphanLife } from '../core/origin.ts';
import type { Settings } from '../core/resource.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import type { ActivationBook } from './activations.ts';
import { closeUnstored, type Unstored } from './unstored.ts';

export interface LivesOptions {
  /** Of the store, their activations as they are on record. */
  readonly all: readonly Bastion[];
  readonly inScope: readonly Bastion[];
  readonly settings: Settings;
  readonly origins: Origins;
  readonly unstored: Unstored | undefined;
  /** Left out where nothing is to be written: what would open then counts as open. */
  readonly record?: ActivationBook['record'] | undefined;
  readonly now: number;
}

export interface Lives {
  readonly lives: ReadonlyMap<ObjectName, Life>;
  /** Why the activation of some Bastion could not be put on record. */
  readonly failure?: unknown;
}

/** How every Bastion lives now: nothing is open that is not on record, or of which nobody could be told. */
export async function livesOf(options: LivesOptions): Promise<Lives> {
  const { all, inScope, settings, origins, unstored, record, now } = options;
  const lifeOf = (bastion: Bastion) => {
    const life = lifetime(bastion, now, settings.maxTtlMs);
    return isOrphan(bastion, origins) ? orphanLife(bastion, life, now) : life;
  };
  const told = new Map(all.map((bastion) => [objectName(bastion), lifeOf(bastion)]));
  const lives = closeUnstored(inScope, told, unstored);
  return record ? record(inScope, lives, now) : { lives };
}
