import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/aws/simulator/seed.ts';
import { EMPTY_SNAPSHOT } from '../../controller/core/snapshot.ts';
import { observe } from '../../controller/reconcile/observe.ts';
import { kindNamed } from '../kinds/bed.ts';
import { startHarness } from './harness.ts';

describe('a look at AWS', () => {
  it('does not let the lists wait for the facts, and reads what both need once', async () => {
    const { aws: connect, simulator } = startHarness();
    const aws = connect();
    const kind = kindNamed('security-group');
    let announce = () => {};
    const listing = new Promise<void>((resolve) => {
      announce = resolve;
    });
    const snapshot = await observe({
      aws: {
        ...aws,
        reads: { ...aws.reads, vpcs: () => listing.then(() => aws.reads.vpcs()) },
      },
      kinds: [
        {
          ...kind,
          list: (...given) => {
            announce();
            return kind.list(...given);
          },
        },
      ],
      before: EMPTY_SNAPSHOT,
      refresh: 'all',
      interests: { vpcIds: [], hybrid: false },
      now: 0,
    });
    expect(snapshot.failures.size).toBe(0);
    expect(snapshot.facts.vpcs[ORDINARY.isolatedVpc]).toBeDefined();
    expect(simulator.calls.count('ec2', 'DescribeSecurityGroups')).toBe(1);
  });
});
