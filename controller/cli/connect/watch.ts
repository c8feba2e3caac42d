import type { Bastion } from '../../api/bastion.ts';
import type { ApiClient } from '../../api/client.ts';
import type { Clock, Timer } from '../../machinery/clock.ts';
import { follow } from '../follow.ts';
import { type LifeEnd, lookAtLife, type Naming, timeLeft, type Warned, warnedAtOpening } from './life.ts';
import type { Report } from './report.ts';

export interface WatchedLife {
  /** As it is now; undefined once it has gone. */
  current(): Bastion | undefined;
  /** Resolves when it can be used no longer. Never rejects: who cannot be told of changes goes by the end that is known. */
  readonly over: Promise<LifeEnd>;
  stop(): void;
}

export interface WatchOptions {
  readonly api: ApiClient;
  readonly clock: Clock;
  readonly naming: Naming;
  readonly report: Report;
}

/** Watches a Bastion while somebody is connected to it: tells of renewals and of the end that comes near. */
export function watchLife(start: Bastion, options: WatchOptions): WatchedLife {
  const { clock, naming, report } = options;
  const stopped = new AbortController();
  let current: Bastion | undefined = start;
  let warned = warnedAtOpening(start, clock.now());
  let timer: Timer | undefined;
  const over = new Promise<LifeEnd>((resolve) => {
    const look = () => {
      timer?.cancel();
      if (stopped.signal.aborted) return;
      const found = lookAtLife(current, naming, clock.now(), warned);
      tellRenewal(current, warned, found.warned, options);
      warned = found.warned;
      if (found.warning) {
        const message = `bastion/${naming.name} closes soon: ${timeLeft(found.warning.leftMs)}`;
        report({ type: 'warning', message, hint: found.warning.hint });
      }
      if (found.end) resolve(found.end);
      else if (found.nextInMs !== undefined) timer = clock.setTimer(found.nextInMs, look);
    };
    look();
    const onChange = (changed: Bastion | undefined) => {
      current = changed;
      look();
    };
    followOne(start, onChange, options, stopped.signal).catch((error: unknown) => {
      if (stopped.signal.aborted) return;
      const why = error instanceof Error ? error.message : String(error);
      const message = `changes of bastion/${naming.name} are not seen any more: ${why}`;
      report({ type: 'warning', message, hint: 'what is open stays so until the expiry that was shown' });
    });
  });
  const stop = () => {
    stopped.abort();
    timer?.cancel();
  };
  return { current: () => current, over, stop };
}

function tellRenewal(
  current: Bastion | undefined,
  before: Warned,
  after: Warned,
  { naming, report }: WatchOptions,
): void {
  if (before.end === undefined || after.end === undefined || after.end <= before.end) return;
  report({ type: 'renewed', name: naming.name, expiresAt: current?.status?.expiresAt ?? '' });
}

async function followOne(
  start: Bastion,
  onChange: (bastion: Bastion | undefined) => void,
  { api, clock, naming: { namespace, name } }: WatchOptions,
  signal: AbortSignal,
): Promise<void> {
  const query = { namespace, name };
  const found = await api.bastions.list(query);
  const own = (bastion: Bastion) => bastion.metadata.uid === start.metadata.uid;
  onChange(found.items.find(own));
  for await (const { type, object } of follow(api.bastions, query, found, { clock, signal })) {
    if (own(object)) onChange(type === 'DELETED' ? undefined : object);
  }
}
