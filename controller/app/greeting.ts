import { type AwsWorld, SIMULATED_WORLD } from './aws.ts';

const COMMANDS = [
  'apply -f examples/minimal.yaml',
  'get -w',
  'describe bastion minimal',
  'renew minimal',
  'delete bastion minimal',
];

/** What `npm start` says first: where everything is, and what to try. */
export function greeting(
  flags: {
    readonly dataDir: string;
    readonly defaultDataDir: string;
    readonly table?: string;
    readonly region: string;
    /** The process that leads, when it is another one. */
    readonly leader?: number | undefined;
    readonly replicas?: number | undefined;
    /** Of the API, where it is served. */
    readonly url?: string | undefined;
  },
  aws: AwsWorld,
): string {
  const where =
    aws.address === 'real' ? `REAL AWS, account ${aws.accountId}` : `simulated AWS (${aws.address})`;
  const lines = [
    '',
    `bastion-operator: ${where}, ${flags.region}`,
    `  store  ${flags.table ? `table ${flags.table}` : flags.dataDir}`,
  ];
  if (flags.url !== undefined) lines.push(`  API    ${flags.url}`);
  if (flags.replicas !== undefined && flags.replicas > 1)
    lines.push(`  ${flags.replicas} replicas: one leads, the others stand by`);
  if (flags.leader !== undefined)
    lines.push(`  standing by: process ${flags.leader} leads on this data folder`);
  if (!aws.simulator) return `${lines.join('\n')}\n\n`;
  const elsewhere = flags.dataDir === flags.defaultDataDir ? '' : ` --data-dir ${quote(flags.dataDir)}`;
  const tries = [
    '',
    'Try, in another terminal:',
    ...COMMANDS.map((command) => `  npx bastionctl ${command}${elsewhere}`),
    // Behind TLS it takes an authority and a token, which a context holds: bastionctl kubeconfig.
    ...(flags.url?.startsWith('http:') ? [`  kubectl --server ${flags.url} get bastions`] : []),
    '',
    `The simulated account has ${SIMULATED_WORLD.isolatedVpc} (no way out) and ${SIMULATED_WORLD.natVpc} (NAT).`,
  ];
  return `${[...lines, ...tries].join('\n')}\n\n`;
}

function quote(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
