import type { Account, Estate } from '../../api/estate.ts';
import type { Log } from '../../core/log.ts';
import type { Settings } from '../../core/resource.ts';
import type { Terms } from '../../core/terms.ts';
import type { Clock } from '../../machinery/clock.ts';
import { parseGitSpec } from '../../sources/git-spec.ts';
import { sourceGuardName } from '../../sources/source-guard.ts';
import { type ControllerConfig, type GitSourceConfig, readConfig, watchConfig } from './config-file.ts';
import { settingsOf } from './settings.ts';

export interface ConfigurationOptions extends Settings {
  /** The file; left out: the flags say all there is. */
  readonly config?: string | undefined;
  readonly region: string;
  readonly git: readonly string[];
  readonly shrinkLimit: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the flags and the configuration file say, at any moment anew. */
export interface Configuration {
  terms(): Terms;
  /** @param accountId of the controller's own credentials */
  estate(accountId: string): Estate;
  sources(): readonly GitSourceConfig[];
  /** Called after each change that was taken. */
  onChange(listener: () => void): void;
  close(): void;
}

/** @throws UsageError for a file that says something nobody understands; GitSpecError for such a flag */
export async function openConfiguration(options: ConfigurationOptions): Promise<Configuration> {
  const { config: path, clock, log } = options;
  for (const source of options.git) parseGitSpec(source);
  if (path === undefined)
    return configurationOf(
      options,
      () => NOTHING,
      () => {},
    );
  const listeners: (() => void)[] = [];
  const { config, text } = await readConfig(path);
  let now = config;
  const stop = watchConfig({
    ...{ path, text, clock },
    onChange: (next) => {
      const moved = movedAccount(now, next);
      if (moved !== undefined) return log('error', 'configuration not taken', { file: path, error: moved });
      now = next;
      log('info', 'configuration taken', {
        file: path,
        accounts: now.accounts.length,
        sources: now.gitSources.length,
      });
      for (const listener of listeners) listener();
    },
    onError: (error) => log('error', 'configuration not taken', { file: path, error: error.message }),
  });
  return {
    ...configurationOf(options, () => now, stop),
    onChange: (listener) => void listeners.push(listener),
  };
}

const NOTHING: ControllerConfig = { accounts: [], gitSources: [] };

function configurationOf(
  options: ConfigurationOptions,
  now: () => ControllerConfig,
  close: () => void,
): Configuration {
  const sources = () => [...options.git.map((source) => ({ source })), ...now().gitSources];
  const terms = (): Terms => {
    const { accounts, ...own } = now();
    const { image, maxTtlMs, shrinkLimit } = { ...options, ...own };
    return {
      settings: { ...settingsOf(options), image, maxTtlMs },
      shrinkLimit,
      sourceGuards: sources().map(({ source }) => sourceGuardName(parseGitSpec(source))),
      sources: sources().map(({ source }) => parseGitSpec(source).display),
      accounts,
    };
  };
  return {
    terms,
    sources,
    estate: (accountId) => ({ accountId, defaultRegion: options.region, accounts: now().accounts }),
    onChange: () => {},
    close,
  };
}

/** What runs in an account would be looked for in another one, and be taken for gone. */
function movedAccount(before: ControllerConfig, after: ControllerConfig): string | undefined {
  for (const [index, { name, accountId }] of after.accounts.entries()) {
    const known = before.accounts.find((account: Account) => account.name === name);
    if (!known || known.accountId === accountId) continue;
    return (
      `accounts[${index}].accountId: found ${accountId} for "${name}", which was ${known.accountId}: what runs there would be ` +
      'forgotten. Give the other account another name, or restart the controller when no Bastion names this one'
    );
  }
  return undefined;
}
