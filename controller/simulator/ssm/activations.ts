import { present } from '../fields.ts';
import type { Iam } from '../iam/iam.ts';
import { AwsFault, type Input, type Operation, type World } from '../world.ts';
import {
  type Activation,
  invalid,
  readInput,
  type SsmState,
  takeSsmPage,
  toTagList,
  toUuid,
} from './state.ts';

const DAY_MS = 86_400_000;
const MAX_LIFE_MS = 30 * DAY_MS;

/** Hybrid activations. */
export function activationOperations(
  world: World,
  iam: Iam,
  state: SsmState,
): Readonly<Record<string, Operation>> {
  return {
    CreateActivation: (input) => createActivation(world, iam, state, input),
    DescribeActivations: (input) => describeActivations(world, state, input),
    DeleteActivation: (input) => {
      const id = readInput(input).text('ActivationId');
      if (!/^[0-9a-f-]{36}$/.test(id)) {
        throw new AwsFault('InvalidActivationId', `The activation ID ${id} is not valid.`);
      }
      if (!state.activations.delete(id)) {
        throw new AwsFault('InvalidActivation', `The activation ${id} does not exist.`);
      }
      return {};
    },
  };
}

function createActivation(world: World, iam: Iam, state: SsmState, input: Input): object {
  const fields = readInput(input);
  const role = fields.text('IamRole');
  if (role.length > 64)
    throw invalid(
      `Value '${role}' at 'iamRole' failed to satisfy constraint: Member must have length less than or equal to 64`,
    );
  // SSM builds the ARN from what it is given: a role with a path is found only as `path/name`.
  const roleArn = `arn:aws:iam::${world.accountId}:role/${role}`;
  if (!iam.roles.find(roleArn)) throw invalid(`Not existing role: ${roleArn}`);
  if (!iam.roleUsable(roleArn, 'ssm.amazonaws.com', world.region)) {
    throw invalid(`Nonexistent role or missing ssm service principal in trust policy: ${roleArn}`);
  }
  const now = world.now();
  const expiresAt = readExpiry(input['ExpirationDate']) ?? now + DAY_MS;
  if (expiresAt <= now || expiresAt > now + MAX_LIFE_MS) {
    throw invalid('The expiration date must be in the future and at most 30 days from now.');
  }
  const activation: Activation = {
    id: toUuid(world.hex(32)),
    code: `${world.hex(8)}${world.hex(12)}`.slice(0, 20),
    role,
    description: fields.optionalText('Description'),
    nodeName: fields.optionalText('DefaultInstanceName'),
    limit: fields.integer('RegistrationLimit', { least: 1, most: 1000, fallback: 1 }),
    createdAt: now,
    expiresAt,
    tags: fields.tags('Tags'),
    registrations: 0,
  };
  state.activations.set(activation.id, activation);
  return { ActivationId: activation.id, ActivationCode: activation.code };
}

/** Epoch seconds in JSON; a Date or RFC 3339 text from callers inside the process. */
function readExpiry(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (value instanceof Date) return value.getTime();
  const time = typeof value === 'number' ? value * 1000 : Date.parse(String(value));
  if (Number.isNaN(time)) throw invalid(`Not a date: ${String(value)}`);
  return time;
}

function describeActivations(world: World, state: SsmState, input: Input): object {
  const fields = readInput(input);
  const matches = fields.structs('Filters').map((filter) => {
    const key = filter.oneOf(
      'FilterKey',
      ['ActivationIds', 'DefaultInstanceName', 'IamRole'],
      'ActivationIds',
    );
    const values = filter.texts('FilterValues');
    const member = { ActivationIds: 'id', DefaultInstanceName: 'nodeName', IamRole: 'role' } as const;
    return (activation: Activation) => values.includes(activation[member[key]] ?? '');
  });
  const wanted = [...state.activations.values()].filter((entry) => matches.every((match) => match(entry)));
  const page = takeSsmPage(fields, wanted, { least: 1, most: 50, fallback: 50 });
  return present({
    ActivationList: page.items.map((activation) => describeActivation(world, activation)),
    NextToken: page.next,
  });
}

function describeActivation(world: World, activation: Activation) {
  return present({
    ActivationId: activation.id,
    Description: activation.description,
    DefaultInstanceName: activation.nodeName,
    IamRole: activation.role,
    RegistrationLimit: activation.limit,
    RegistrationsCount: activation.registrations,
    ExpirationDate: new Date(activation.expiresAt),
    Expired: world.now() >= activation.expiresAt,
    CreatedDate: new Date(activation.createdAt),
    Tags: toTagList(activation.tags),
  });
}
