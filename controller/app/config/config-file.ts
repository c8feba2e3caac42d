import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Account } from '../../api/estate.ts';
import { readYaml } from '../../api/manifest.ts';
import { formatFieldError } from '../../api/schema.ts';
import { regionFault } from '../../core/region.ts';
import type { FieldError } from '../../machinery/api-error.ts';
import type { Clock, Timer } from '../../machinery/clock.ts';
import { parseDuration } from '../../machinery/duration.ts';
import { showValue } from '../../machinery/json.ts';
import { checkLists } from '../../machinery/rules.ts';
import { compileStructure } from '../../machinery/structure.ts';
import { parseGitSpec } from '../../sources/git-spec.ts';
import type { SignaturePolicy } from '../../sources/signatures.ts';
import { CONFIG_SCHEMA } from './config-schema.ts';
import { UsageError } from './usage-error.ts';

/** What the configuration file says, validated. What it leaves out is the flags' to say. */
export interface ControllerConfig {
  readonly accounts: readonly Account[];
  readonly gitSources: readonly GitSourceConfig[];
  readonly maxTtlMs?: number;
  readonly shrinkLimit?: number;
  readonly image?: string;
}

export interface GitSourceConfig {
  /** `URL[#ref][:path]` */
  readonly source: string;
  readonly signatures?: SignaturePolicy;
}

/** The file's spec, once its structure is known to be right. */
interface Spec {
  readonly image?: string;
  readonly limits?: { readonly maxTtl?: string; readonly shrinkLimit?: number };
  readonly accounts?: readonly Account[];
  readonly gitSources?: readonly GitSourceConfig[];
}

/** How late a change is noticed. Kubernetes swaps whole folders of a ConfigMap, which watching a file would miss. */
const LOOK_MS = 5_000;

/** @throws UsageError naming the file and each field that is wrong */
export async function readConfig(
  path: string,
): Promise<{ readonly config: ControllerConfig; readonly text: string }> {
  const text = await readText(path);
  return { config: parseConfig(text, path), text };
}

export interface WatchOptions {
  readonly path: string;
  /** As it was read: what was written since then is a change. */
  readonly text: string;
  readonly clock: Clock;
  /** What the file said when it was read last. */
  readonly onChange: (config: ControllerConfig) => void;
  /** Once for each content that is wrong, and once when the file cannot be read: what held before holds on. */
  readonly onError: (error: Error) => void;
}

/** @returns what ends it */
export function watchConfig({ path, text: first, clock, onChange, onError }: WatchOptions): () => void {
  let seen = first;
  let timer: Timer | undefined;
  let isOver = false;
  const look = async () => {
    const text = await readText(path).catch((error: Error) => error);
    if (isOver) return;
    const content = text instanceof Error ? text.message : text;
    if (seen !== content) take(text);
    seen = content;
    wait();
  };
  const wait = () => {
    timer = clock.setTimer(LOOK_MS, () => void look());
  };
  const take = (text: string | Error) => {
    if (text instanceof Error) return onError(text);
    try {
      onChange(parseConfig(text, path));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      onError(error);
    }
  };
  wait();
  return () => {
    isOver = true;
    timer?.cancel();
  };
}

/** @throws UsageError */
async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new UsageError(`--config: ${path} cannot be read (${code})`);
  }
}

const checkStructure = compileStructure(CONFIG_SCHEMA);

/** @throws UsageError */
function parseConfig(text: string, path: string): ControllerConfig {
  const content = readYaml(text);
  if (!content.ok) throw refusal(path, [content.error]);
  const { value } = content;
  const structure = checkStructure(value);
  const place = { schema: CONFIG_SCHEMA, value, old: undefined, field: '' };
  const errors = [...structure, ...checkLists(place)];
  if (errors.length > 0) throw refusal(path, errors);
  const { spec } = value as { readonly spec: Spec };
  const meaning = checkMeaning(spec);
  if (meaning.length > 0) throw refusal(path, meaning);
  return configOf(spec, dirname(path));
}

function refusal(path: string, errors: readonly FieldError[]): UsageError {
  return new UsageError(`${path}: ${errors.map(formatFieldError).join('; ')}`);
}

function configOf(
  { image, limits = {}, accounts = [], gitSources = [] }: Spec,
  folder: string,
): ControllerConfig {
  const maxTtlMs = limits.maxTtl === undefined ? undefined : parseDuration(limits.maxTtl);
  return {
    accounts,
    gitSources: gitSources.map(({ source, signatures }) => ({
      source,
      ...(signatures && {
        signatures: { ...signatures, allowedSigners: resolve(folder, signatures.allowedSigners) },
      }),
    })),
    ...(image !== undefined && { image }),
    ...(maxTtlMs !== undefined && { maxTtlMs }),
    ...(limits.shrinkLimit !== undefined && { shrinkLimit: limits.shrinkLimit }),
  };
}

function checkMeaning({ limits, accounts = [], gitSources = [] }: Spec): FieldError[] {
  return [
    ...checkMaxTtl(limits?.maxTtl),
    ...accounts.flatMap((account, index) => checkAccount(account, `spec.accounts[${index}]`)),
    ...checkDistinct(accounts),
    ...gitSources.flatMap(({ source }, index) => checkSource(source, `spec.gitSources[${index}].source`)),
  ];
}

function invalid(field: string, message: string): FieldError {
  return { field, type: 'Invalid', message };
}

function checkMaxTtl(maxTtl: string | undefined): FieldError[] {
  if (maxTtl === undefined || (parseDuration(maxTtl) ?? 0) > 0) return [];
  return [invalid('spec.limits.maxTtl', `found ${showValue(maxTtl)}, allowed: a duration such as 12h`)];
}

function checkAccount(
  { accountId, roleArn, externalId, regions = [] }: Account,
  field: string,
): FieldError[] {
  const errors = regions.flatMap(({ name }, index): FieldError[] => {
    const fault = regionFault(name);
    return fault === undefined ? [] : [invalid(`${field}.regions[${index}].name`, fault)];
  });
  if (roleArn !== undefined && roleArn.split(':')[4] !== accountId) {
    errors.push(invalid(`${field}.roleArn`, `found ${roleArn}, allowed: a role of account ${accountId}`));
  }
  if (roleArn === undefined && externalId !== undefined) {
    errors.push(invalid(`${field}.externalId`, 'found without roleArn, allowed: only with a role to assume'));
  }
  return errors;
}

/** What several names share would be looked after twice. */
function checkDistinct(accounts: readonly Account[]): FieldError[] {
  return accounts.flatMap(({ accountId, roleArn }, index): FieldError[] => {
    const before = accounts.slice(0, index);
    const same = before.find((other) => other.accountId === accountId);
    if (same) {
      const message = `found ${accountId}, which "${same.name}" has already, allowed: each once`;
      return [{ field: `spec.accounts[${index}].accountId`, type: 'Duplicate', message }];
    }
    const own = before.find((other) => other.roleArn === undefined);
    if (roleArn !== undefined || !own) return [];
    const message = `required but missing: only one account can be the controller's own, and "${own.name}" has no role either`;
    return [{ field: `spec.accounts[${index}].roleArn`, type: 'Required', message }];
  });
}

function checkSource(source: string, field: string): FieldError[] {
  try {
    parseGitSpec(source);
    return [];
  } catch (error) {
    return [invalid(field, error instanceof Error ? error.message : String(error))];
  }
}
