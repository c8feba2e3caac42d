import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { type Clock, sleep } from '../machinery/clock.ts';
import { StoreUnavailableError } from './store.ts';

export type Item = Readonly<Record<string, unknown>>;

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** What must be stored under the key for a write to take effect; compared and written in one step. */
export type Condition =
  | { readonly absent: true }
  /** All of these attributes, at least one; nothing stored equals nothing. */
  | { readonly equals: Readonly<Record<string, string | number>> }
  /** Nothing, or an item whose attribute is a smaller number. */
  | { readonly absentOrBelow: { readonly attribute: string; readonly value: number } };

export const ABSENT: Condition = { absent: true };

export interface Query {
  readonly pk: string;
  /** Only sort keys greater than this. */
  readonly after?: string;
  /** Only sort keys up to and including this; not together with `after`. */
  readonly through?: string;
  readonly descending?: boolean;
  /** Left out: every item, over all pages. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** The four calls the store is built on. All reads are strongly consistent. */
export interface Table {
  get(key: Key): Promise<Item | undefined>;
  query(query: Query): Promise<readonly Item[]>;
  /** @returns false when the condition did not hold. */
  put(item: Item & Key, condition: Condition): Promise<boolean>;
  /** @returns false when the condition did not hold. */
  remove(key: Key, condition?: Condition): Promise<boolean>;
}

/** Keeps within one request the difference between "refused" and "nobody knows". */
export class UnansweredError extends StoreUnavailableError {}

export function openTable(client: DynamoDBClient, name: string): Table {
  const document = DynamoDBDocumentClient.from(client);

  async function query(query: Query): Promise<readonly Item[]> {
    const items: Item[] = [];
    let start: Record<string, unknown> | undefined;
    do {
      const input = { ...queryInput(name, query), ...(start && { ExclusiveStartKey: start }) };
      const page = await answer(name, () =>
        document.send(new QueryCommand(input), query.signal ? { abortSignal: query.signal } : {}),
      );
      items.push(...(page.Items ?? []));
      start = page.LastEvaluatedKey;
    } while (start && (query.limit === undefined || items.length < query.limit));
    return query.limit === undefined ? items : items.slice(0, query.limit);
  }

  return {
    query,
    async get({ pk, sk }) {
      const input = { TableName: name, Key: { pk, sk }, ConsistentRead: true };
      return (await answer(name, () => document.send(new GetCommand(input)))).Item;
    },
    put(item, condition) {
      const input = { TableName: name, Item: { ...item }, ...conditionInput(condition) };
      return holds(() => answer(name, () => document.send(new PutCommand(input))));
    },
    remove({ pk, sk }, condition) {
      const input = { TableName: name, Key: { pk, sk }, ...(condition && conditionInput(condition)) };
      return holds(() => answer(name, () => document.send(new DeleteCommand(input))));
    },
  };
}

function queryInput(name: string, query: Query): QueryCommandInput {
  const bound = query.after === undefined ? query.through : query.after;
  const bounded = query.after === undefined ? 'pk = :pk AND sk <= :bound' : 'pk = :pk AND sk > :bound';
  return {
    TableName: name,
    ConsistentRead: true,
    ScanIndexForward: !query.descending,
    KeyConditionExpression: bound === undefined ? 'pk = :pk' : bounded,
    ExpressionAttributeValues: { ':pk': query.pk, ...(bound !== undefined && { ':bound': bound }) },
    ...(query.limit !== undefined && { Limit: query.limit }),
  };
}

const NOTHING = 'attribute_not_exists(pk)';

function conditionInput(condition: Condition) {
  if ('absent' in condition) return { ConditionExpression: NOTHING };
  if ('absentOrBelow' in condition) {
    const { attribute, value } = condition.absentOrBelow;
    return {
      ConditionExpression: `${NOTHING} OR #a0 < :v0`,
      ExpressionAttributeNames: { '#a0': attribute },
      ExpressionAttributeValues: { ':v0': value },
    };
  }
  const wanted = Object.entries(condition.equals);
  return {
    ConditionExpression: wanted.map((_, index) => `#a${index} = :v${index}`).join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(wanted.map(([name], index) => [`#a${index}`, name])),
    ExpressionAttributeValues: Object.fromEntries(wanted.map(([, value], index) => [`:v${index}`, value])),
  };
}

async function holds(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}

async function answer<T>(table: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error.name === 'ConditionalCheckFailedException' || error.name === 'AbortError') throw error;
    throw unavailable(table, error);
  }
}

function unavailable(table: string, error: Error): StoreUnavailableError {
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  const what = `Table "${table}": ${error.name}: ${error.message}`.replace(/[.\s]*$/, '.');
  const refused = status !== undefined && status < 500;
  const Kind = refused ? StoreUnavailableError : UnansweredError;
  return new Kind(`${what} ${nextStep(error.name, refused)}`, { cause: error });
}

function nextStep(errorName: string, refused: boolean): string {
  if (errorName === 'ResourceNotFoundException')
    return 'Create the table, or check its name, region and account.';
  if (/AccessDenied|UnrecognizedClient|Credential|Token/.test(errorName)) {
    return 'Check the credentials and their permission for dynamodb:GetItem, Query, PutItem and DeleteItem on it.';
  }
  if (/Throttl|Throughput|RequestLimit/.test(errorName)) return 'It is over its capacity: try again later.';
  return refused
    ? 'The table refused the request.'
    : 'Check that the endpoint can be reached, then try again.';
}

/** What the store needs a table to be like. The only place that says so. */
export const TABLE_SCHEMA = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
} satisfies Omit<CreateTableCommandInput, 'TableName'>;

export interface EnsureTableOptions {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly clock: Clock;
  readonly pollMs?: number;
}

/** Creates the table when it is missing, and waits until it can be used. */
export async function ensureTable({
  client,
  table,
  clock,
  pollMs = 1_000,
}: EnsureTableOptions): Promise<void> {
  for (;;) {
    const status = await tableStatus(client, table);
    if (status === 'ACTIVE' || status === 'UPDATING') return;
    if (status === undefined) await createTable(client, table);
    else if (pollMs > 0) await sleep(clock, pollMs);
  }
}

async function tableStatus(client: DynamoDBClient, table: string): Promise<string | undefined> {
  try {
    return (
      (await client.send(new DescribeTableCommand({ TableName: table }))).Table?.TableStatus ?? 'CREATING'
    );
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error instanceof Error ? unavailable(table, error) : error;
  }
}

async function createTable(client: DynamoDBClient, table: string): Promise<void> {
  try {
    await client.send(new CreateTableCommand({ TableName: table, ...TABLE_SCHEMA }));
  } catch (error) {
    if (error instanceof ResourceInUseException) return;
    throw error instanceof Error ? unavailable(table, error) : error;
  }
}
