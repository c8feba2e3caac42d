import type { ConditionContext } from '../../controller/aws/policy-text.ts';
import { TAG as OUR_TAGS } from '../../controller/aws/tags.ts';
import type { Request } from './asking.ts';

const { installation: TAG } = OUR_TAGS;
const REQUESTED = `aws:RequestTag/${TAG}`;
const ON_RESOURCE = [`aws:ResourceTag/${TAG}`, `ssm:resourceTag/${TAG}`];

/** A way to misuse what is allowed: what it makes of an allowed request, which is nothing where it does not apply. */
interface Misuse {
  readonly name: string;
  readonly of: (request: Request) => readonly Request[];
  /** Actions, some with the kind of resource, that are not kept from it, and why. */
  readonly except: Readonly<Record<string, string>>;
}

const has = ({ context }: Request, key: string) => context[key] !== undefined;

function put(
  request: Request,
  changes: Readonly<Record<string, string | readonly string[] | undefined>>,
): Request {
  const entries = Object.entries({ ...request.context, ...changes }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...request, context: Object.fromEntries(entries) as ConditionContext };
}

/** Where a request has the key: each of these values for it, undefined for none. */
const instead =
  (key: string, ...values: readonly (string | undefined)[]) =>
  (request: Request): readonly Request[] =>
    has(request, key)
      ? values
          .filter((value) => value !== request.context[key])
          .map((value) => put(request, { [key]: value }))
      : [];

const BY_PATH = 'what it is done to is ours by its path';

export const MISUSES: readonly Misuse[] = [
  {
    name: 'makes it without our tag',
    of: instead(REQUESTED, undefined, ''),
    except: { 'logs:TagResource': BY_PATH, 'iam:TagRole': BY_PATH, 'scheduler:TagResource': BY_PATH },
  },
  {
    name: 'does it to what does not carry our tag',
    of: (request) =>
      ON_RESOURCE.some((key) => has(request, key))
        ? [undefined, ''].map((value) =>
            put(request, Object.fromEntries(ON_RESOURCE.map((key) => [key, value]))),
          )
        : [],
    except: {
      'ec2:AuthorizeSecurityGroupIngress security-group': "databases' groups are somebody else's",
      'ec2:ModifyVpcEndpoint security-group': 'a group that somebody put on an endpoint of ours is taken off',
    },
  },
  {
    name: 'does it to what has a name of somebody else',
    of: (request) => {
      const parts = request.resource.split(':');
      const name = parts.slice(5).join(':');
      const others = [
        name.replaceAll('bastion', 'payments'),
        name.replace(/^([^/:]+[/:]\/?)[^/:]*bastion[^/:]*/, '$1x'),
      ];
      return others
        .filter((other) => other !== name)
        .map((other) => ({ ...request, resource: [...parts.slice(0, 5), other].join(':') }));
    },
    except: { 'ssm:AddTagsToResource': 'activations are no resources to IAM, so nothing can be named' },
  },
  {
    name: 'does it to another sort of thing',
    of: (request) => {
      const [, head, rest] = /^(arn:(?:[^:]*:){4})[^/:]+([/:].*)$/.exec(request.resource) ?? [];
      if (head === undefined) return [];
      return ['document', 'instance'].map((sort) => ({ ...request, resource: `${head}${sort}${rest}` }));
    },
    except: {
      'ec2:DescribeVpcAttribute': 'it only looks',
      'ssm:AddTagsToResource': 'activations are no resources to IAM, so nothing can be named',
      'ssm:TerminateSession': 'not to end a session is worse than to be able to end any',
    },
  },
  {
    name: "does it in somebody else's cluster",
    of: instead('ecs:cluster', undefined, 'arn:aws:ecs:ap-northeast-1:123456789012:cluster/payments'),
    except: {
      'ecs:DescribeTasks': "the task's own name says the cluster",
      'ecs:StopTask': "the task's own name says the cluster",
    },
  },
  {
    name: 'makes or widens a role without our boundary',
    of: instead(
      'iam:PermissionsBoundary',
      undefined,
      'arn:aws:iam::aws:policy/AdministratorAccess',
      'arn:aws:iam::123456789012:policy/bastion-boundary-2',
      'arn:aws:iam::123456789012:policy/other/bastion-boundary',
    ),
    except: {
      'iam:DeleteRole': BY_PATH,
      'iam:DeleteRolePolicy': BY_PATH,
      'iam:DetachRolePolicy': BY_PATH,
      'iam:TagRole': BY_PATH,
    },
  },
  {
    name: 'attaches another policy',
    of: instead(
      'iam:PolicyARN',
      undefined,
      'arn:aws:iam::aws:policy/AdministratorAccess',
      'arn:aws:iam::aws:policy/PowerUserAccess',
      'arn:aws:iam::123456789012:policy/AmazonSSMManagedInstanceCore',
    ),
    except: { 'iam:DetachRolePolicy': 'whatever somebody attached goes' },
  },
  {
    name: 'passes a role to another service',
    of: instead(
      'iam:PassedToService',
      ...[undefined, 'ec2.amazonaws.com', 'lambda.amazonaws.com', 'glue.amazonaws.com'],
      ...['ssm.amazonaws.com', 'ecs-tasks.amazonaws.com', 'ecs-tasks.amazonaws.com.example'],
    ),
    except: {},
  },
  {
    name: 'tags what it does not make',
    of: (request) => [
      ...instead('ec2:CreateAction', undefined, 'RunInstances', 'CreateVolume')(request),
      ...instead('ecs:CreateAction', undefined, 'CreateService')(request),
    ],
    except: {},
  },
  {
    name: 'takes over what is there by tags of ours',
    of: (request) =>
      has(request, 'aws:TagKeys') && !has(request, REQUESTED)
        ? [
            put(request, { 'aws:TagKeys': ['team', TAG] }),
            put(request, { 'aws:TagKeys': ['bastion-operator.dev/bastion'] }),
          ]
        : [],
    except: {},
  },
  {
    name: 'makes an endpoint of another service',
    of: instead(
      'ec2:VpceServiceName',
      ...[
        undefined,
        'com.amazonaws.ap-northeast-1.execute-api',
        'com.amazonaws.ap-northeast-1.secretsmanager',
      ],
      'com.amazonaws.vpce.ap-northeast-1.vpce-svc-0123456789abcdef0',
      'com.amazonaws.ap-northeast-1.ssm.example',
    ),
    except: {},
  },
  {
    name: 'makes the role of another service',
    of: instead('iam:AWSServiceName', undefined, 'eks.amazonaws.com', 'organizations.amazonaws.com'),
    except: {},
  },
];

/** Requests that must not be allowed, made from such as are. */
export function misuse(allowed: readonly Request[], { of, except }: Misuse): readonly Request[] {
  return allowed.filter((request) => !(request.action in except) && !(kindOf(request) in except)).flatMap(of);
}

/** Such as `ec2:CreateTags vpc-endpoint`. */
export function kindOf({ action, resource }: Request): string {
  return `${action} ${resource.split(':').slice(5).join(':').split(/[/:]/)[0]}`;
}
