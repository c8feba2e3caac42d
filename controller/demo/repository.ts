import { mkdir, writeFile } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { simpleGit } from 'simple-git';
import { ORDINARY } from '../simulator/seed.ts';

const BASTIONS = [
  {
    name: 'orders',
    ttl: '5m',
    access: '{ transport: EcsExec }',
    target: `{ name: db, host: orders.example.internal, port: 5432, securityGroupId: ${ORDINARY.ordersGroup} }`,
  },
  {
    name: 'users',
    ttl: '8m',
    access: '{ transport: HybridActivation, activation: { issuer: Controller } }',
    target: `{ name: db, host: users.example.internal, port: 3306, securityGroupId: ${ORDINARY.usersGroup} }`,
  },
];

/** A git repository with two Bastions for one VPC, as a team would commit them. */
export async function commitBastions(dir: string, path: string): Promise<void> {
  await mkdir(join(dir, 'bastions'), { recursive: true });
  // Nothing of the user's: neither GIT_DIR, which would lead to another repository, nor hooks, nor signing.
  const env = { PATH: path, GIT_CONFIG_GLOBAL: devNull, GIT_CONFIG_NOSYSTEM: '1' };
  const git = simpleGit({
    baseDir: dir,
    allowEnvironment: Object.keys(env),
    unsafe: { allowUnsafeConfigPaths: true },
  }).env(env);
  await git.init(['--initial-branch=main']);
  await git.addConfig('user.name', 'Demo');
  await git.addConfig('user.email', 'demo@example.com');
  for (const bastion of BASTIONS)
    await writeFile(join(dir, 'bastions', `${bastion.name}.yaml`), manifest(bastion));
  await git.add('.');
  await git.commit('Open the orders and users databases for a while');
}

function manifest({ name, ttl, access, target }: (typeof BASTIONS)[number]): string {
  return `apiVersion: bastion-operator.dev/v1alpha1
kind: Bastion
metadata:
  name: ${name}
spec:
  ttl: ${ttl}
  reason: the demo
  network:
    vpcId: ${ORDINARY.isolatedVpc}
    subnetIds: [${ORDINARY.isolatedSubnets.join(', ')}]
  access: ${access}
  targets:
    - ${target}
`;
}
