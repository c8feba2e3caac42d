import { type Fields, present } from '../fields.ts';
import { AwsFault, type Input, type Operation, type World } from '../world.ts';
import { invalid, PARAMETER_TYPES, type Parameter, readInput, type SsmState, takeSsmPage } from './state.ts';

/** A standard parameter's value. */
const MAX_VALUE_CHARACTERS = 4096;
const MAX_NAMES = 10;

export function parameterOperations(world: World, state: SsmState): Readonly<Record<string, Operation>> {
  const { parameters } = state;
  const find = (nameOrArn: string) => findParameter(state, nameOrArn);
  return {
    PutParameter: (input) => putParameter(world, state, input),
    GetParameter: (input) => {
      const fields = readInput(input);
      const parameter = find(fields.text('Name'));
      if (!parameter) throw notFound();
      return { Parameter: describeValue(parameter, fields.flag('WithDecryption')) };
    },
    GetParameters: (input) => {
      const fields = readInput(input);
      const { known, unknown } = split(namesIn(fields), find);
      const decrypt = fields.flag('WithDecryption');
      return {
        Parameters: known.map((parameter) => describeValue(parameter, decrypt)),
        InvalidParameters: unknown,
      };
    },
    DeleteParameter: (input) => {
      if (!parameters.delete(readInput(input).text('Name'))) throw notFound();
      return {};
    },
    DeleteParameters: (input) => {
      const { known, unknown } = split(namesIn(readInput(input)), find);
      for (const { name } of known) parameters.delete(name);
      return { DeletedParameters: known.map(({ name }) => name), InvalidParameters: unknown };
    },
    DescribeParameters: (input) => describeParameters(state, input),
  };
}

/** By name or ARN. */
export function findParameter(state: SsmState, nameOrArn: string): Parameter | undefined {
  if (!nameOrArn.startsWith('arn:')) return state.parameters.get(nameOrArn);
  return [...state.parameters.values()].find((parameter) => parameter.arn === nameOrArn);
}

export function parameterArn(world: World, name: string): string {
  return `arn:aws:ssm:${world.region}:${world.accountId}:parameter${name.startsWith('/') ? '' : '/'}${name}`;
}

const notFound = () => new AwsFault('ParameterNotFound', 'The parameter could not be found.');

function namesIn(fields: Fields): readonly string[] {
  const names = fields.texts('Names');
  if (names.length === 0 || names.length > MAX_NAMES) {
    throw invalid(
      `1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and ${MAX_NAMES}`,
    );
  }
  return names;
}

function split(names: readonly string[], find: (name: string) => Parameter | undefined) {
  const known: Parameter[] = [];
  const unknown: string[] = [];
  for (const name of names) {
    const parameter = find(name);
    if (parameter) known.push(parameter);
    else unknown.push(name);
  }
  return { known, unknown };
}

function putParameter(world: World, state: SsmState, input: Input): object {
  const fields = readInput(input);
  const name = fields.text('Name');
  const value = fields.text('Value');
  if (!/^[a-zA-Z0-9_.\-/]{1,1011}$/.test(name) || (name.includes('/') && !name.startsWith('/'))) {
    throw invalid(
      'Parameter name must be a fully qualified name with only the characters a-zA-Z0-9_.- and slashes.',
    );
  }
  if (/^\/?(aws|ssm)/i.test(name)) {
    throw invalid(`Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive): ${name}`);
  }
  if (value.length > MAX_VALUE_CHARACTERS) {
    throw invalid(`Standard tier parameters support a maximum parameter value of ${MAX_VALUE_CHARACTERS}.`);
  }
  const overwrite = fields.flag('Overwrite');
  if (overwrite && fields.list('Tags').length > 0) {
    throw invalid(
      "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
    );
  }
  const existing = state.parameters.get(name);
  if (!existing) return addParameter(world, state, fields, { name, value });
  if (!overwrite) {
    throw new AwsFault(
      'ParameterAlreadyExists',
      'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
    );
  }
  existing.value = value;
  existing.version += 1;
  existing.description = fields.optionalText('Description') ?? existing.description;
  existing.modifiedAt = world.now();
  return { Version: existing.version, Tier: 'Standard' };
}

function addParameter(
  world: World,
  state: SsmState,
  fields: Fields,
  { name, value }: { name: string; value: string },
) {
  if (!fields.has('Type')) throw invalid('A parameter type is required when you create a parameter.');
  const type = fields.oneOf('Type', PARAMETER_TYPES, 'String');
  state.parameters.set(name, {
    name,
    arn: parameterArn(world, name),
    type,
    value,
    version: 1,
    description: fields.optionalText('Description'),
    keyId: type === 'SecureString' ? (fields.optionalText('KeyId') ?? 'alias/aws/ssm') : undefined,
    modifiedAt: world.now(),
    tags: fields.tags('Tags'),
  });
  return { Version: 1, Tier: 'Standard' };
}

function describeParameters(state: SsmState, input: Input): object {
  const fields = readInput(input);
  const matches = fields
    .structs('ParameterFilters')
    .map((filter) =>
      matchParameter(filter.text('Key'), filter.optionalText('Option') ?? 'Equals', filter.texts('Values')),
    );
  const wanted = [...state.parameters.values()]
    .filter((parameter) => matches.every((match) => match(parameter)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const page = takeSsmPage(fields, wanted, { least: 1, most: 50, fallback: 50 });
  const metadata = page.items.map((parameter) =>
    present({
      Name: parameter.name,
      ARN: parameter.arn,
      Type: parameter.type,
      KeyId: parameter.keyId,
      LastModifiedDate: new Date(parameter.modifiedAt),
      Description: parameter.description,
      Version: parameter.version,
      Tier: 'Standard',
      Policies: [],
      DataType: 'text',
    }),
  );
  return present({ Parameters: metadata, NextToken: page.next });
}

function matchParameter(key: string, option: string, values: readonly string[]): (p: Parameter) => boolean {
  if (key.startsWith('tag:')) {
    const tag = key.slice('tag:'.length);
    return (parameter) =>
      values.length === 0 ? parameter.tags.has(tag) : values.includes(parameter.tags.get(tag) ?? '\0');
  }
  if (key === 'Type') return (parameter) => values.includes(parameter.type);
  if (key !== 'Name') throw new AwsFault('InvalidFilterKey', `The specified key is not valid: ${key}`);
  if (option === 'Equals') return ({ name }) => values.includes(name);
  if (option === 'BeginsWith') return ({ name }) => values.some((value) => name.startsWith(value));
  if (option === 'Contains') return ({ name }) => values.some((value) => name.includes(value));
  throw new AwsFault('InvalidFilterOption', `The specified filter option is not valid: ${option}`);
}

/** Without decryption a SecureString reads as what is stored: ciphertext. */
function describeValue(parameter: Parameter, decrypt: boolean) {
  const sealed = parameter.type === 'SecureString' && !decrypt;
  return {
    Name: parameter.name,
    Type: parameter.type,
    Value: sealed ? `AQICAH${Buffer.from(parameter.name).toString('base64')}` : parameter.value,
    Version: parameter.version,
    LastModifiedDate: new Date(parameter.modifiedAt),
    ARN: parameter.arn,
    DataType: 'text',
  };
}
