import { DEFAULT_SHRINK_LIMIT } from '../../core/guard.ts';

/** What a controller is started with when no flag says otherwise. */
export const DEFAULTS = {
  region: 'ap-northeast-1',
  dataDirName: '.bastion-operator',
  installation: 'default',
  image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest',
  /** Also when a task ends by its container's own timer, where nobody else is there to end it. */
  maxTtl: '24h',
  maxTtlMs: 24 * 3_600_000,
  /** Long enough to outlast a slow store, short enough that a TTL is kept within 60 s when the leader dies. */
  leaseMs: 20_000,
  /** Of the API, on this machine only. */
  listen: '127.0.0.1:8088',
  /** Of metrics and health, on this machine only. */
  metricsListen: '127.0.0.1:8089',
  shrinkLimit: DEFAULT_SHRINK_LIMIT,
} as const;
