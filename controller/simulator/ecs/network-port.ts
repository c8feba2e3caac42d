import type { Network, NetworkService, Place, Reach } from '../network.ts';

export interface AttachedEni {
  readonly eniId: string;
  readonly subnetId: string;
  readonly privateIp: string;
}

/** What ECS needs of the simulated VPC: interfaces by id, and what they reach. */
export interface NetworkPort {
  /** Makes an ENI in one of the subnets. @throws AwsFault with the EC2 code when a subnet or group is unusable */
  attach(request: {
    readonly subnetIds: readonly string[];
    readonly groupIds: readonly string[];
    readonly description: string;
    readonly publicIp?: boolean;
  }): AttachedEni;
  detach(eniId: string): void;
  /** Evaluated anew at each call, so that a healed path shows. */
  reach(eniId: string, service: NetworkService): Reach;
  /** Where an attached interface is; undefined once it is detached. */
  placeOf(eniId: string): Place | undefined;
}

/** Gives ECS its view of a network. */
export function networkPort(network: Network): NetworkPort {
  const places = new Map<string, Place>();
  return {
    attach({ subnetIds, groupIds, description, publicIp = false }) {
      const made = subnetIds.map((subnetId) => ({
        subnetId,
        ...network.attachInterface({ subnetId, groupIds, description }),
      }));
      // Fargate refuses a bad subnet even where it would have chosen another: every one is tried, the first is kept.
      const [kept, ...others] = made;
      for (const other of others) network.detachInterface(other.id);
      if (!kept) throw new Error('An interface needs at least one subnet.');
      places.set(kept.id, { subnetId: kept.subnetId, groupIds, ip: kept.ip, publicIp });
      return { eniId: kept.id, subnetId: kept.subnetId, privateIp: kept.ip };
    },
    detach(eniId) {
      if (places.delete(eniId)) network.detachInterface(eniId);
    },
    reach(eniId, service) {
      const place = places.get(eniId);
      if (place) return network.reach(place, service);
      return { ok: false, because: 'no-route', detail: `${eniId} is detached.` };
    },
    placeOf: (eniId) => places.get(eniId),
  };
}
