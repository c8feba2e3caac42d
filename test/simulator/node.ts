import type { Simulator } from '../../controller/simulator/simulator.ts';
import type { VirtualClock } from '../clock.ts';

const TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ssm.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

/** Makes a managed node that sessions reach, and gives its id. */
export async function onlineNode({ ssm, iam, settle }: Simulator, clock: VirtualClock): Promise<string> {
  iam.operations['CreateRole']?.({ RoleName: 'node', AssumeRolePolicyDocument: JSON.stringify(TRUST) });
  await clock.advance(60_000);
  settle();
  setTier({ ssm }, 'advanced');
  const activation = ssm.operations['CreateActivation']?.({ IamRole: 'node' }) as Record<string, string>;
  const { ActivationId: id = '', ActivationCode: code = '' } = activation;
  return ssm.register({ id, code, name: 'node', ip: '10.0.1.7', connected: () => true });
}

export function setTier({ ssm }: Pick<Simulator, 'ssm'>, SettingValue: 'advanced' | 'standard'): void {
  const SettingId = '/ssm/managed-instance/activation-tier';
  ssm.operations['UpdateServiceSetting']?.({ SettingId, SettingValue });
}
