import { type AwsWorld, SIMULATED_WORLD } from './aws.ts';

/** What `npm start` says first: where everything is, and what to try. */
export function greeting(
  flags: { readonly dataDir: string; readonly table?: string; readonly region: string },
  aws: AwsWorld,
): string {
  const where =
    aws.address === 'real' ? `REAL AWS, account ${aws.accountId}` : `simulated AWS (${aws.address})`;
  const lines = [
    '',
    `bastion-operator: ${where}, ${flags.region}`,
    `  store  ${flags.table ? `table ${flags.table}` : flags.dataDir}`,
  ];
  if (!aws.simulator) return `${lines.join('\n')}\n\n`;
  const tries = [
    '',
    'Try, in another terminal:',
    '  npx bastionctl apply -f examples/minimal.yaml',
    '  npx bastionctl get -w',
    '  npx bastionctl describe bastion minimal',
    '  npx bastionctl renew minimal',
    '  npx bastionctl delete bastion minimal',
    '',
    `The simulated account has ${SIMULATED_WORLD.isolatedVpc} (no way out) and ${SIMULATED_WORLD.natVpc} (NAT).`,
  ];
  return `${[...lines, ...tries].join('\n')}\n\n`;
}
