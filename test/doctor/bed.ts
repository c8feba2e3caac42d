import { readFileSync } from 'node:fs';
import type { Bastion, BastionSpec } from '../../controller/api/bastion.ts';
import type { ExaminationRequest, Finding } from '../../controller/api/finding.ts';
import { readCaller } from '../../controller/aws/caller.ts';
import { createDoctor } from '../../controller/doctor/doctor.ts';
import type { PluginState } from '../../controller/doctor/picture.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import type { Operation } from '../../controller/simulator/world.ts';
import { type Harness, manifestOf, REGION, SETTINGS } from '../reconcile/harness.ts';

export const TARGETS = [
  { name: 'orders', host: '10.0.1.20', port: 5432, securityGroupId: ORDINARY.ordersGroup },
];

export const SPECS = {
  'EcsExec over Endpoints': { targets: TARGETS },
  'EcsExec through Nat': {
    network: { vpcId: ORDINARY.natVpc, subnetIds: [...ORDINARY.natSubnets], path: 'Auto' },
    targets: [{ name: 'reports', host: '10.1.1.20', port: 5432, securityGroupId: ORDINARY.natDatabaseGroup }],
  },
  'Hybrid, activated by the Controller': {
    access: { transport: 'HybridActivation', activation: { issuer: 'Controller' } },
    targets: TARGETS,
  },
  'Hybrid, activated by the Task': {
    access: { transport: 'HybridActivation', activation: { issuer: 'Task' } },
    targets: TARGETS,
  },
} as const satisfies Record<string, Partial<BastionSpec>>;

const PLUGIN: PluginState = { ok: true, version: '1.2.707.0' };

export interface Look extends Partial<Omit<ExaminationRequest, 'bastion'>> {
  readonly plugin?: PluginState;
  readonly settings?: Partial<typeof SETTINGS> | undefined;
}

export async function examine(
  harness: Harness,
  bastion: Bastion,
  look: Look = {},
): Promise<readonly Finding[]> {
  const { plugin = PLUGIN, isApplied = true, settings, ...more } = look;
  const connection = {
    requestHandler: harness.simulator.requestHandler,
    credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
  };
  const doctor = createDoctor({
    connect: async (region) => {
      const aws = harness.aws();
      return { ...aws, scope: { ...aws.scope, region } };
    },
    readCaller: (region) => readCaller(connection, region),
    findPlugin: async () => plugin,
    settings: async () => ({ ...SETTINGS, ...settings }),
    defaultRegion: async () => REGION,
    clock: harness.clock,
  });
  return (await doctor.examine({ bastion, isApplied, ...more }, () => {})).findings;
}

/** Of a policy in deploy/iam. */
export function statementsIn<Statement extends object>(name: string): readonly Statement[] {
  const file = new URL(`../../deploy/iam/${name}`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly Statement: readonly Statement[] }).Statement;
}

/** As a manifest, before it is applied. */
export async function planned(harness: Harness, spec: Partial<BastionSpec> = {}): Promise<Bastion> {
  return harness.api.bastions.create(manifestOf('orders', spec), { dryRun: true });
}

/** `check: what it found` of all that is wrong. */
export function problemsIn(findings: readonly Finding[]): string[] {
  return findings.filter(({ verdict }) => verdict === 'problem').map(({ check }) => check);
}

export function finding(findings: readonly Finding[], check: string): Finding {
  const found = findings.find((one) => one.check === check);
  if (!found) throw new Error(`no ${check} among ${findings.map((one) => one.check).join(', ')}`);
  return found;
}

/** Somebody's call to simulated AWS. */
export function call(
  harness: Harness,
  service: 'ec2' | 'iam' | 'ssm' | 'ecs',
  name: string,
  input: object,
): object {
  const operation: Operation | undefined = harness.simulator[service].operations[name];
  if (!operation) throw new Error(`no ${service}:${name}`);
  return operation(input as Readonly<Record<string, unknown>>);
}
