import { readdir, readFile } from 'node:fs/promises';
import { explain } from '../aws/errors.ts';
import { type Builder, openIamBuilders } from '../aws/foundation.ts';
import type { Foundation, FoundationLook, FoundationOptions } from '../cli/foundation.ts';
import { type FoundationKind, type FoundationObject, nameOf } from '../core/foundation.ts';
import {
  controllerRoleName,
  DEFAULT_TABLE,
  DEFAULT_TRUST,
  foundationOf,
  requestFault,
  TRUST_TAG,
} from '../core/foundation-objects.ts';
import { regionFault } from '../core/region.ts';
import { TABLE_SCHEMA } from '../store/table.ts';
import { openTableBuilder } from '../store/table-builder.ts';
import { openAws } from './aws.ts';
import { DEFAULTS } from './config/defaults.ts';
import { UsageError } from './config/usage-error.ts';
import type { ConnectParts } from './connect-parts.ts';
import { findSignsOfLife } from './signs-of-life.ts';

/** The path is the same from the sources and from the build. */
const DOCUMENTS = new URL('../../deploy/iam/', import.meta.url);

/** @throws UsageError */
export async function drawFoundation(
  options: FoundationOptions,
  parts: ConnectParts,
  accountId: string,
): Promise<readonly FoundationObject[]> {
  const { table, region, trust } = requestOf(options, parts);
  return foundationOf({ table, region, trust, accountId, ...(await readParts()) });
}

/** @throws UsageError, UnreachableError */
export async function openFoundation(options: FoundationOptions, parts: ConnectParts): Promise<Foundation> {
  const { table, region, trust } = requestOf(options, parts);
  const { clock } = parts;
  const aws = await openAws(awsOf(options), region);
  const { accountId, connection } = aws;
  const iam = openIamBuilders(connection, { accountId, region });
  const tables = openTableBuilder({ connection, region, clock });
  const builders: Readonly<Record<FoundationKind, Builder>> = { table: tables, ...iam };
  const draw = async (trusted: readonly string[]) =>
    foundationOf({ table, region, accountId, trust: trusted, ...(await readParts()) });

  async function act(object: FoundationObject, what: 'create' | 'change' | 'remove'): Promise<void> {
    await told(object, () => builders[object.kind][what](object));
  }

  async function look(): Promise<FoundationLook> {
    const possible = await draw([DEFAULT_TRUST]);
    const entries = await Promise.all(
      possible.map(async (object) => {
        const present = await told(object, () => builders[object.kind].find(object));
        return present ? [[nameOf(object), present] as const] : [];
      }),
    );
    const found = new Map(entries.flat());
    const recorded = found.get(`role/${controllerRoleName(table)}`)?.tags[TRUST_TAG]?.split(' ');
    const trusted = options.trust ?? recorded ?? trust;
    checkRequest({ table, trust: trusted });
    return { wanted: await draw(trusted), possible, found };
  }

  return {
    ...{ accountId, region, table, look },
    create: (object) => act(object, 'create'),
    change: (object) => act(object, 'change'),
    remove: (object) => act(object, 'remove'),
    async signsOfLife(how) {
      const hasTable = (await tables.find({ name: table, tags: {} })) !== undefined;
      return findSignsOfLife({ ...how, ...parts, aws, region, hasTable, table, asked: options.installation });
    },
    async close() {
      iam.close();
      tables.close();
      await aws.close();
    },
  };
}

/** AWS says what it refuses; of which object is for us to say. */
async function told<T>(object: FoundationObject, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new Error(`${nameOf(object)}: ${explain(error)}`, { cause: error });
  }
}

function requestOf({ table = DEFAULT_TABLE, trust, ...options }: FoundationOptions, { env }: ConnectParts) {
  const region = options.region ?? env['AWS_REGION'] ?? DEFAULTS.region;
  const request = { table, region, trust: trust ?? [DEFAULT_TRUST] };
  const fault = regionFault(region);
  if (fault !== undefined) throw new UsageError(`--region: ${fault}`);
  checkRequest(request);
  return request;
}

/** What a tag says may have been changed by anybody who may tag. */
function checkRequest(request: Parameters<typeof requestFault>[0]): void {
  const fault = requestFault(request);
  if (fault !== undefined) throw new UsageError(fault);
}

/** @throws UsageError unless it is said which account is meant: nothing real is touched by default */
function awsOf({ aws }: FoundationOptions): string {
  if (aws !== undefined && aws !== 'simulated') return aws;
  throw new UsageError(
    'simulated AWS needs no installation: say --aws=real for the account of your credentials, or --print to see what it would be',
  );
}

async function readParts() {
  const files = (await readdir(DOCUMENTS)).filter((file) => /^(boundary|controller).*\.json$/.test(file));
  const documents = files
    .sort()
    .map(async (file) => [file, JSON.parse(await readFile(new URL(file, DOCUMENTS), 'utf8'))] as const);
  return { documents: Object.fromEntries(await Promise.all(documents)), schema: TABLE_SCHEMA };
}
