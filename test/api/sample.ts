import { API_VERSION } from '../../controller/api/bastion.ts';

/** The smallest valid Bastion, as a person writes it; `spec` replaces fields of it. */
export function sample(spec: object = {}, metadata: object = {}) {
  return {
    apiVersion: API_VERSION,
    kind: 'Bastion',
    metadata: { name: 'orders', ...metadata },
    spec: {
      ttl: '4h',
      network: { vpcId: 'vpc-0a1b2c3d4e5f60718', subnetIds: ['subnet-0a1b2c3d4e5f60718'] },
      ...spec,
    },
  };
}
