import type { MetricsOptions } from '../telemetry/metrics-server.ts';
import { parseListen } from './api-flags.ts';

interface MetricsFlags {
  readonly metricsListen: string;
}

/** Undefined for `none`. @throws UsageError naming the flag, what was found and what is allowed */
export function readMetricsFlag(
  { metricsListen }: MetricsFlags,
  isChosen: boolean,
): MetricsOptions | undefined {
  if (metricsListen === 'none') return undefined;
  return { listen: parseListen(metricsListen, '--metrics-listen'), isChosen };
}

/** Replicas on one machine need a port each: the first has the one that was asked for, and the others those after it. */
export function metricsOfReplica({ metricsListen }: MetricsFlags, replica: string): string {
  if (metricsListen === 'none') return metricsListen;
  const { host, port } = parseListen(metricsListen, '--metrics-listen');
  const number = Number(/\d+$/.exec(replica)?.[0] ?? 1);
  const own = port === 0 ? 0 : port + number - 1;
  return `${host.includes(':') ? `[${host}]` : host}:${own}`;
}
