import { type Bastion, condition } from '../api/bastion.ts';
import { type DesiredSet, union } from '../core/desired.ts';
import { type Endings, endings } from '../core/endings.ts';
import { type Facts, NO_FACTS } from '../core/facts.ts';
import type { Life } from '../core/lifetime.ts';
import type { Claim, Key, Problem, Settings } from '../core/resource.ts';
import { claimOf } from '../core/targets.ts';
import type { Kind } from '../kinds/kind.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';

/** What the Bastions of a scope want, and how those that want nothing any more ended. */
export interface Wishes {
  /** Of every Bastion there is, in this scope or not. */
  readonly lives: ReadonlyMap<ObjectName, Life>;
  readonly claims: readonly Claim[];
  readonly desired: DesiredSet;
  readonly endings: Endings;
}

export interface WishOptions {
  readonly all: readonly Bastion[];
  /** Of all of them. */
  readonly lives: ReadonlyMap<ObjectName, Life>;
  readonly inScope: readonly Bastion[];
  readonly kinds: readonly Kind[];
  readonly facts: Facts;
  /** Why the facts could not be read, when they could not. */
  readonly unreadable: string | undefined;
  readonly settings: Settings;
  readonly now: number;
}

export function wishesOf(options: WishOptions): Wishes {
  const { all, lives, inScope, kinds, facts, settings, now } = options;
  const claims: Claim[] = [];
  const formerKeys = new Map<ObjectName, readonly Key[]>();
  for (const bastion of inScope) {
    const life = lives.get(objectName(bastion));
    if (life?.state === 'active') claims.push(claimOf(bastion, facts, life));
    else if (condition(bastion, 'TornDown')?.status !== 'True') {
      formerKeys.set(objectName(bastion), keysIfActive(bastion, kinds, facts, settings, now));
    }
  }
  const desired = facts === NO_FACTS ? unknowable(claims, options) : union(claims, kinds, facts, settings);
  return { lives, claims, desired, endings: endings(all, lives, formerKeys) };
}

/** Without facts, what a Bastion wants would come out wrong: a guess must not replace what it has. */
function unknowable(claims: readonly Claim[], { unreadable }: WishOptions): DesiredSet {
  const message = unreadable ?? 'the network was not read yet';
  const problem: Problem = { condition: 'NetworkReady', reason: 'AwsNotReadable', message, passing: true };
  return {
    byKey: new Map(),
    problems: new Map(claims.map(({ bastion }) => [objectName(bastion), [problem]])),
  };
}

/** What it would want, which is what it had: its status may have been lost. */
function keysIfActive(
  bastion: Bastion,
  kinds: readonly Kind[],
  facts: Facts,
  settings: Settings,
  now: number,
): Key[] {
  const claim = claimOf(bastion, facts, { activatedAt: now, expiresAt: now });
  return kinds.flatMap((kind) => kind.desire(claim, facts, settings).map((wish) => wish.key));
}
