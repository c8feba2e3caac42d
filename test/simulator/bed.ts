import { createEcs } from '../../controller/simulator/ecs/ecs.ts';
import { networkPort } from '../../controller/simulator/ecs/network-port.ts';
import { createIam } from '../../controller/simulator/iam/iam.ts';
import { createLogs } from '../../controller/simulator/logs/logs.ts';
import { createSsm } from '../../controller/simulator/ssm/ssm.ts';
import { AwsFault, type Operation, World } from '../../controller/simulator/world.ts';
import { VirtualClock } from '../clock.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'ap-northeast-1';
export const IMAGE = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/bastion:1`;
export const EXECUTION_POLICY = 'arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy';
export const NODE_POLICY = 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore';

type Operations = Readonly<Record<string, Operation>>;

/** The services of one region on virtual time, and a network in which a test blocks what it likes. */
export function makeBed() {
  const clock = new VirtualClock();
  const world = new World({ clock, accountId: ACCOUNT, region: REGION });
  const blocked = new Set<string>();
  const attached = new Set<string>();
  const iam = createIam(world);
  const ssm = createSsm(world, { iam });
  const logs = createLogs(world);
  const ecs = createEcs(world, {
    ...{ iam, ssm, logs },
    network: networkPort({
      attachInterface: ({ subnetId, groupIds }) => {
        if (subnetId === 'subnet-none') throw new AwsFault('InvalidSubnetID.NotFound', 'no such subnet');
        if (groupIds.includes('sg-none')) throw new AwsFault('InvalidGroup.NotFound', 'no such group');
        const id = `eni-${world.hex(17)}`;
        attached.add(id);
        return { id, ip: '10.0.1.7' };
      },
      detachInterface: (id) => void attached.delete(id),
      reach: (_from, service) =>
        blocked.has(service)
          ? { ok: false, because: 'no-endpoint', detail: `no way to ${service}` }
          : { ok: true, via: 'endpoint' },
      canConnect: () => ({ ok: true, via: 'vpc' }),
    }),
  });
  const call =
    (operations: Operations) =>
    (name: string, input: Record<string, unknown> = {}) => {
      world.settle();
      const operation = operations[name];
      if (!operation) throw new Error(`no operation ${name}`);
      return read(operation(input));
    };
  return {
    ...{ clock, world, blocked, attached, iam, ssm, logs, ecs },
    ask: {
      iam: call(iam.operations),
      ssm: call(ssm.operations),
      logs: call(logs.operations),
      ecs: call(ecs.operations),
    },
  };
}

export type Bed = ReturnType<typeof makeBed>;

/** A response as a client would see it, for tests to dig in. */
export interface Answer {
  readonly value: unknown;
  at(...path: readonly (string | number)[]): unknown;
  text(...path: readonly (string | number)[]): string;
}

function read(value: object): Answer {
  const at = (...path: readonly (string | number)[]) =>
    path.reduce<unknown>(
      (node, key) => (typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined),
      value,
    );
  return { value, at, text: (...path) => String(at(...path)) };
}

/** `code: message` of the fault a call ends with; 'none' when it succeeds. */
export function faultOf(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    if (error instanceof AwsFault) return `${error.code}: ${error.message}`;
    throw error;
  }
}

export function trust(service: string, condition?: object): string {
  const statement = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' };
  return JSON.stringify({ Statement: [condition ? { ...statement, Condition: condition } : statement] });
}

export function policy(...actions: string[]): string {
  return JSON.stringify({ Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] });
}

export function addRole(bed: Bed, name: string, service: string, actions: string[] = []): string {
  bed.ask.iam('CreateRole', { RoleName: name, AssumeRolePolicyDocument: trust(service) });
  if (actions.length > 0) {
    bed.ask.iam('PutRolePolicy', {
      RoleName: name,
      PolicyName: 'inline',
      PolicyDocument: policy(...actions),
    });
  }
  return `arn:aws:iam::${ACCOUNT}:role/${name}`;
}
