import { API_VERSION } from '../../api/bastion.ts';
import type { StructuralSchema } from '../../machinery/structural-schema.ts';

const text = (description: string, more: StructuralSchema = {}): StructuralSchema => ({
  type: 'string',
  description,
  maxLength: 1024,
  ...more,
});

const NAME = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';

const network: StructuralSchema = {
  type: 'object',
  description: 'Private subnets of Bastions that name none.',
  required: ['vpcId', 'subnetIds'],
  properties: {
    vpcId: text('ID such as vpc-0abc1234.', { pattern: '^vpc-[0-9a-f]{8,17}$' }),
    subnetIds: {
      type: 'array',
      description: 'Private subnets of the VPC, at most one per availability zone.',
      ...{ minItems: 1, maxItems: 6, 'x-kubernetes-list-type': 'set' },
      items: text('ID such as subnet-0abc1234.', { pattern: '^subnet-[0-9a-f]{8,17}$' }),
    },
  },
};

const region: StructuralSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: text('AWS region such as eu-west-1.', { pattern: '^[a-z]+(-[a-z]+)+-\\d+$' }),
    network,
    image: text('Of Bastions that name none.', { minLength: 1 }),
  },
};

const account: StructuralSchema = {
  type: 'object',
  required: ['name', 'accountId'],
  properties: {
    name: text('What spec.account of a Bastion says.', { pattern: NAME, maxLength: 63 }),
    accountId: text('12 digits in quotes such as "123456789012".', { pattern: '^\\d{12}$' }),
    roleArn: text(
      'Role to assume there such as arn:aws:iam::123456789012:role/bastion-operator-controller.',
      {
        pattern: '^arn:aws(-us-gov)?:iam::\\d{12}:role/[\\x21-\\x7e]+$',
      },
    ),
    // As AWS allows it.
    externalId: text('What the trust policy of the role asks for.', {
      pattern: '^[A-Za-z0-9+=,.@:/_-]{2,1224}$',
      maxLength: 1224,
    }),
    image: text('Of Bastions that name none.', { minLength: 1 }),
    regions: {
      type: 'array',
      description: 'Where Bastions may be opened; left out: everywhere.',
      ...{
        minItems: 1,
        maxItems: 50,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      },
      items: region,
    },
  },
};

const signatures: StructuralSchema = {
  type: 'object',
  description: 'Only commits signed by those who may change what they change come into force.',
  required: ['trustedCommit', 'allowedSigners'],
  properties: {
    trustedCommit: text('The commit that trust begins with, in full.', {
      pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$',
    }),
    allowedSigners: text(
      "File as ssh-keygen reads it, outside the repository, relative to this file's folder.",
      {
        minLength: 1,
      },
    ),
    paths: {
      type: 'array',
      description: 'Who may change what; left out: every allowed signer may change everything.',
      ...{
        minItems: 1,
        maxItems: 200,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['prefix'],
      },
      items: {
        type: 'object',
        required: ['prefix', 'signers'],
        properties: {
          prefix: text('Folder or file such as teams/payments/; empty for everything.'),
          signers: {
            ...{ type: 'array', minItems: 1, maxItems: 200, 'x-kubernetes-list-type': 'set' },
            description: 'Principals of the file of allowed signers.',
            items: text('Principal such as alice@example.com.', { minLength: 1 }),
          },
        },
      },
    },
  },
};

/** Of the whole file. */
export const CONFIG_SCHEMA: StructuralSchema = {
  type: 'object',
  required: ['apiVersion', 'kind', 'spec'],
  properties: {
    apiVersion: { type: 'string', enum: [API_VERSION] },
    kind: { type: 'string', enum: ['ControllerConfig'] },
    metadata: { type: 'object' },
    spec: {
      type: 'object',
      properties: {
        image: text('Of Bastions that name none, in all accounts; goes before --image.', { minLength: 1 }),
        limits: {
          type: 'object',
          properties: {
            maxTtl: text('Duration such as 12h; goes before --max-ttl.', { maxLength: 64 }),
            shrinkLimit: {
              ...{ type: 'integer', minimum: 0, maximum: 999_999_999 },
              description: 'Goes before --shrink-limit.',
            },
          },
        },
        accounts: {
          type: 'array',
          ...{ maxItems: 200, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
          items: account,
        },
        gitSources: {
          type: 'array',
          description: 'Beside those of --git.',
          ...{ maxItems: 100, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['source'] },
          items: {
            type: 'object',
            required: ['source'],
            properties: { source: text('URL[#ref][:path].', { minLength: 1 }), signatures },
          },
        },
      },
    },
  },
};
