import type { Aws } from '../aws/aws.ts';
import { explain, isRefused } from '../aws/errors.ts';
import { type Interests as FactInterests, readFacts } from '../aws/facts.ts';
import type { Facts } from '../core/facts.ts';
import type { SessionInterest } from '../core/idle.ts';
import type { KindName, Observed } from '../core/resource.ts';
import type { Part, Snapshot } from '../core/snapshot.ts';
import type { Kind } from '../kinds/kind.ts';

/** Which kinds to list anew. What is not listed is taken from the pass before. */
export type Refresh = 'all' | 'resync' | ReadonlySet<KindName>;

/** What the Bastions of a scope make worth looking at. */
export interface Interests extends FactInterests {
  readonly sessions?: SessionInterest;
}

export interface ObserveOptions {
  readonly aws: Aws;
  readonly kinds: readonly Kind[];
  readonly before: Snapshot;
  readonly refresh: Refresh;
  readonly interests: Interests;
  readonly now: number;
}

/** Looks at AWS. A kind that cannot be listed whole is a failure of that kind, not of the pass. */
export async function observe(options: ObserveOptions): Promise<Snapshot> {
  const { kinds, before } = options;
  const listed = kinds.filter((kind) => isDue(kind, options));
  const failures = new Map<KindName | 'facts', string>();
  const refusals = new Map<KindName, string>();
  const silentSince = new Map(before.silentSince);
  const parts = new Map<KindName, Part>(before.parts);
  // Together: what both look at is read once, and neither waits for the other.
  const [facts] = await Promise.all([
    factsOrFailure(options, listed, failures),
    ...listed.map((kind) => list(kind, options, { parts, failures, refusals, silentSince })),
  ]);
  // A kind stays unknown until a list of it succeeds; what was known before the failure is too old to act on.
  for (const [name, why] of before.failures) {
    if (name !== 'facts' && !listed.some((kind) => kind.name === name)) failures.set(name, why);
  }
  for (const [name, why] of before.refusals ?? [])
    if (!listed.some((kind) => kind.name === name)) refusals.set(name, why);
  const fresh = new Set(listed.map((kind) => kind.name).filter((name) => !failures.has(name)));
  const { endedSince } = options.interests.sessions ?? {};
  return { parts, facts, failures, refusals, silentSince, fresh, endedSince };
}

/** So long a safeguard is waited for that gives no answer; what else there is to do is not put off for longer. */
const SILENT_MS = 5 * 60_000;

interface Findings {
  readonly parts: Map<KindName, Part>;
  readonly failures: Map<KindName | 'facts', string>;
  readonly refusals: Map<KindName, string>;
  readonly silentSince: Map<KindName, number>;
}

async function list(
  kind: Kind,
  { aws, before, now, interests }: ObserveOptions,
  { parts, failures, refusals, silentSince }: Findings,
): Promise<void> {
  const part = before.parts.get(kind.name);
  const found = (resources: readonly Observed[]) =>
    parts.set(kind.name, { resources, observedAt: now, sequence: (part?.sequence ?? 0) + 1 });
  try {
    found(onceEach(await kind.list(aws, part?.resources, interests.sessions?.endedSince)));
    silentSince.delete(kind.name);
  } catch (error) {
    const why = `cannot list ${kind.name}: ${explain(error)}`;
    const since = silentSince.get(kind.name) ?? now;
    const isSilent = !isRefused(error);
    if (kind.safeguard && isSilent) silentSince.set(kind.name, since);
    else silentSince.delete(kind.name);
    const isWaitedFor = !kind.safeguard || (isSilent && now - since < SILENT_MS);
    if (isWaitedFor) return void failures.set(kind.name, why);
    refusals.set(kind.name, why);
    // Not absent, but nothing that anybody could do something about, or that must be gone before the rest is.
    found([]);
  }
}

/** A page that AWS answers twice must not make two of one: the second would be taken away as a duplicate, and with it the one. */
function onceEach(resources: readonly Observed[]): readonly Observed[] {
  return [...new Map(resources.map((resource) => [`${resource.key} ${resource.id}`, resource])).values()];
}

function isDue(kind: Kind, { refresh, before, interests }: ObserveOptions): boolean {
  if (refresh === 'all' || !before.parts.has(kind.name)) return true;
  // Whoever is given the right, or gets it back, need not wait for the next complete look.
  if (refresh === 'resync' && before.refusals?.has(kind.name)) return true;
  if (refresh === 'resync') return !kind.inert || interests.sessions?.watched.has(kind.name) === true;
  return refresh.has(kind.name);
}

async function factsOrFailure(
  { aws, before, refresh, interests }: ObserveOptions,
  listed: readonly Kind[],
  failures: Map<KindName | 'facts', string>,
): Promise<Facts> {
  const lists = (name: KindName) => listed.some((kind) => kind.name === name);
  const depth = {
    all: refresh === 'all',
    routes: refresh === 'resync',
    groups: lists('security-group') || lists('target-ingress'),
    endpoints: lists('vpc-endpoint'),
  };
  try {
    return await readFacts(aws, before.facts, depth, interests);
  } catch (error) {
    failures.set('facts', `cannot read the network of ${aws.scope.region}: ${explain(error)}`);
    return before.facts;
  }
}
