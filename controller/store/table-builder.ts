import {
  ContinuousBackupsUnavailableException,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  ListTagsOfResourceCommand,
  ResourceNotFoundException,
  type TableDescription,
  TagResourceCommand,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import { type Clock, sleep } from '../machinery/clock.ts';
import { StoreUnavailableError } from './store.ts';
import { TABLE_SCHEMA } from './table.ts';

/** A table as people install one: with a way back in time, and not to be deleted by mistake. */
interface WantedTable {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

interface FoundTable {
  readonly arn: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly busy?: string;
}

export interface TableBuilderOptions {
  readonly connection: Pick<DynamoDBClientConfig, 'endpoint' | 'credentials'>;
  readonly region: string;
  readonly clock: Clock;
}

const PATIENCE_MS = 5 * 60_000;
const POLL_MS = 1_000;

/** Looks up, makes and removes a table. Each call may be repeated. */
export function openTableBuilder({ connection, region, clock }: TableBuilderOptions) {
  const client = new DynamoDBClient({ ...connection, region });

  async function describe(TableName: string): Promise<TableDescription | undefined> {
    try {
      return (await client.send(new DescribeTableCommand({ TableName }))).Table;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }

  /** Each change of a table takes a while, and AWS refuses the next one meanwhile. */
  async function until(name: string, isDone: (table: TableDescription | undefined) => boolean) {
    for (const deadline = clock.monotonic() + PATIENCE_MS; ; await sleep(clock, POLL_MS)) {
      const table = await describe(name);
      if (isDone(table)) return table;
      if (clock.monotonic() < deadline) continue;
      const state = table?.TableStatus ?? 'gone';
      throw new StoreUnavailableError(`table ${name} is still ${state} after 5 minutes: run it again later`);
    }
  }

  async function protect(name: string, DeletionProtectionEnabled: boolean): Promise<void> {
    const table = await until(name, isActive);
    if ((table?.DeletionProtectionEnabled === true) === DeletionProtectionEnabled) return;
    await client.send(new UpdateTableCommand({ TableName: name, DeletionProtectionEnabled }));
    await until(name, isActive);
  }

  async function secure({ name }: WantedTable): Promise<void> {
    await protect(name, true);
    if (await hasPointInTimeRecovery(client, name)) return;
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
    const input = { TableName: name, PointInTimeRecoverySpecification };
    for (const deadline = clock.monotonic() + PATIENCE_MS; ; await sleep(clock, POLL_MS)) {
      try {
        await client.send(new UpdateContinuousBackupsCommand(input));
        return;
      } catch (error) {
        // AWS is not ready for it right after a table was made.
        if (!(error instanceof ContinuousBackupsUnavailableException) || clock.monotonic() >= deadline)
          throw error;
      }
    }
  }

  return {
    close: () => client.destroy(),
    async find({ name }: WantedTable): Promise<FoundTable | undefined> {
      const table = await describe(name);
      return table?.TableArn === undefined ? undefined : read(client, name, table.TableArn, table);
    },
    async create(wanted: WantedTable): Promise<void> {
      const own = { TableName: wanted.name, DeletionProtectionEnabled: true, Tags: listOf(wanted.tags) };
      await client.send(new CreateTableCommand({ ...TABLE_SCHEMA, ...own }));
      await secure(wanted);
    },
    async change(wanted: WantedTable): Promise<void> {
      await secure(wanted);
      const { TableArn } = (await describe(wanted.name)) ?? {};
      await client.send(new TagResourceCommand({ ResourceArn: TableArn, Tags: listOf(wanted.tags) }));
    },
    async remove({ name }: WantedTable): Promise<void> {
      if (!(await describe(name))) return;
      await protect(name, false);
      await client.send(new DeleteTableCommand({ TableName: name }));
      await until(name, (table) => table === undefined);
    },
  };
}

function isActive(table: TableDescription | undefined): boolean {
  return table?.TableStatus === 'ACTIVE';
}

async function read(
  client: DynamoDBClient,
  name: string,
  arn: string,
  table: TableDescription,
): Promise<FoundTable> {
  const [PointInTimeRecovery, tags] = await Promise.all([
    hasPointInTimeRecovery(client, name),
    tagsOf(client, arn),
  ]);
  const keys = new Set((table.KeySchema ?? []).map(({ AttributeName }) => AttributeName));
  const properties = {
    KeySchema: table.KeySchema,
    // Those of indexes that people added are theirs.
    AttributeDefinitions: (table.AttributeDefinitions ?? []).filter(({ AttributeName }) =>
      keys.has(AttributeName),
    ),
    PointInTimeRecovery,
    DeletionProtection: table.DeletionProtectionEnabled === true,
  };
  const isLeaving = table.TableStatus === 'DELETING';
  return {
    arn,
    properties,
    tags,
    ...(isLeaving && { busy: 'is being deleted: run it again when it is gone' }),
  };
}

async function hasPointInTimeRecovery(client: DynamoDBClient, TableName: string): Promise<boolean> {
  try {
    const { ContinuousBackupsDescription } = await client.send(
      new DescribeContinuousBackupsCommand({ TableName }),
    );
    const { PointInTimeRecoveryDescription } = ContinuousBackupsDescription ?? {};
    return PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED';
  } catch (error) {
    // Of a table that is leaving.
    if (error instanceof Error && /^(TableNotFound|ResourceNotFound)Exception$/.test(error.name))
      return false;
    throw error;
  }
}

async function tagsOf(client: DynamoDBClient, ResourceArn: string): Promise<Record<string, string>> {
  const tags: Record<string, string> = {};
  let NextToken: string | undefined;
  do {
    const page = await client.send(
      new ListTagsOfResourceCommand({ ResourceArn, ...(NextToken && { NextToken }) }),
    );
    for (const { Key = '', Value = '' } of page.Tags ?? []) tags[Key] = Value;
    NextToken = page.NextToken;
  } while (NextToken);
  return tags;
}

function listOf(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
