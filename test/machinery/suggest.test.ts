import { expect, it } from 'vitest';
import { suggest } from '../../controller/machinery/suggest.ts';

it.each([
  ['BastionSpec', ['Bastion'], 'Bastion'],
  ['bastion', ['Bastion'], 'Bastion'],
  ['subnets', ['vpcId', 'subnetIds', 'path'], 'subnetIds'],
  ['lables', ['labels', 'name'], 'labels'],
  ['cup', ['cpu', 'image'], undefined],
  ['cpuu', ['cpu', 'image'], 'cpu'],
  ['Deployment', ['Bastion'], undefined],
  ['', ['a'], undefined],
  ['x'.repeat(100_000), ['x'], undefined],
])('suggests for %.20s out of %j: %s', (word, candidates, expected) => {
  expect(suggest(word, candidates)).toBe(expected);
});
