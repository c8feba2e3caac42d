import type { Facts } from '../core/facts.ts';
import { networkPath } from '../core/network-path.ts';
import type { Claim, Problem, Settings } from '../core/resource.ts';
import { imageOf } from './task-content.ts';

const PRIVATE_ECR = /^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\//;

/** Endpoints reach the private registries of their own region and nothing else; ECR Public has none (aws-facts 1). */
export function imageProblems(claim: Claim, facts: Facts, settings: Settings): Problem[] {
  if (networkPath(claim.bastion, facts) === 'Nat') return [];
  const image = imageOf(claim, facts, settings);
  const region = PRIVATE_ECR.exec(image)?.[1];
  if (region === facts.region) return [];
  const why = region === undefined ? 'is not in a private ECR registry' : `is in the registry of ${region}`;
  const message =
    `image ${image} ${why}, which VPC endpoints of ${facts.region} cannot reach: ` +
    `push it to ${facts.accountId}.dkr.ecr.${facts.region}.amazonaws.com, or use a NAT route (spec.network.path: Nat)`;
  return [{ condition: 'TaskRunning', reason: 'ImageNotReachable', message }];
}
