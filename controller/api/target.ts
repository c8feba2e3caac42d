import type { Bastion } from './bastion.ts';

/** What people reach through a Bastion, once its address is known. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly securityGroupId?: string | undefined;
  /** As AWS names it, such as `aurora-postgresql`, for those that AWS told us about. */
  readonly engine?: string | undefined;
}

/** Below this, a local port needs root. */
const FIRST_FREE_PORT = 1024;
const PORT_SHIFT = 10_000;
const MAX_PORT = 65_535;

/** Those whose address is known, in the order of the manifest: as written there. */
export function targetsOf({ spec }: Bastion): readonly Target[] {
  return spec.targets;
}

/**
 * Under which port of this machine each target is offered when nobody says: its own where it can be had, so that a client's
 * configuration needs only another host. The same for every program and every time.
 */
export function localPorts(targets: readonly Target[]): ReadonlyMap<string, number> {
  const taken = new Set<number>();
  return new Map(
    targets.map(({ name, port }) => {
      const localPort = freePort(port, taken);
      taken.add(localPort);
      return [name, localPort];
    }),
  );
}

function freePort(wanted: number, taken: ReadonlySet<number>): number {
  let port = wanted < FIRST_FREE_PORT ? wanted + PORT_SHIFT : wanted;
  while (taken.has(port))
    port = port + PORT_SHIFT <= MAX_PORT ? port + PORT_SHIFT : FIRST_FREE_PORT + taken.size;
  return port;
}
