import { DescribeTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import type { BastionSpec } from '../../controller/api/bastion.ts';
import { HYBRID, listed, readyBed } from './bed.ts';

describe('the user of the container', () => {
  it('is left to the image, which names one without rights, for EcsExec', async () => {
    expect(await userOf({})).toBeUndefined();
  });

  it('is root for HybridActivation, whose agent works as nobody else', async () => {
    expect(await userOf(HYBRID)).toBe('0');
  });
});

async function userOf(spec: Partial<BastionSpec>): Promise<string | undefined> {
  const harness = await readyBed(spec);
  const [definition] = await listed(harness, 'task-definition');
  const request = new DescribeTaskDefinitionCommand({ taskDefinition: definition?.id });
  const { taskDefinition } = await harness.aws().ecs.send(request);
  return taskDefinition?.containerDefinitions?.[0]?.user;
}
