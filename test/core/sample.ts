import type { Bastion, BastionSpec, BastionStatus } from '../../controller/api/bastion.ts';
import type { Desired, Key, Observed } from '../../controller/core/resource.ts';
import { kindOf } from '../../controller/core/resource.ts';

export interface SampleOptions {
  readonly name?: string;
  readonly spec?: Partial<BastionSpec>;
  readonly status?: BastionStatus;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly createdAt?: string;
  readonly deleted?: boolean;
}

/** A Bastion as the store gives it, with all defaults. */
export function bastionOf(options: SampleOptions = {}): Bastion {
  return {
    apiVersion: 'bastion-operator.dev/v1alpha1',
    kind: 'Bastion',
    metadata: {
      name: options.name ?? 'orders',
      namespace: 'default',
      uid: `uid-${options.name ?? 'orders'}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: options.createdAt ?? '2026-11-23T09:00:00Z',
      ...(options.annotations ? { annotations: { ...options.annotations } } : {}),
      ...(options.deleted ? { deletionTimestamp: '2026-11-23T09:30:00Z' } : {}),
    },
    spec: {
      ttl: '2h',
      suspend: false,
      network: { vpcId: 'vpc-1', subnetIds: ['subnet-1'], path: 'Auto' },
      task: { architecture: 'X86_64', cpu: 256, memory: 512 },
      access: { transport: 'EcsExec' },
      targets: [],
      tags: {},
      ...options.spec,
    },
    ...(options.status ? { status: options.status } : {}),
  };
}

export function wantedOf(key: Key, more: Partial<Desired> = {}): Desired {
  const owners = ['default/orders'] as const;
  return { kind: kindOf(key), key, spec: {}, needs: [], tags: {}, shared: false, owners, ...more };
}

export function seenOf(key: Key, more: Partial<Observed> = {}): Observed {
  return {
    kind: kindOf(key),
    key,
    id: `id of ${key}`,
    owned: true,
    state: 'ready',
    uses: [],
    detail: {},
    ...more,
  };
}
