import { join } from 'node:path';
import type { ApiClient } from '../../api/client.ts';
import type { Clock } from '../../machinery/clock.ts';
import { createGitSource, type GitSource } from '../../sources/git.ts';
import { tellUnconfigured } from '../../sources/unconfigured.ts';
import { fenceStore } from '../../store/fence.ts';
import type { Store } from '../../store/store.ts';
import type { SyncOptions } from '../sync.ts';
import type { Configuration } from './configuration.ts';

export interface GitSourcesParts {
  readonly store: Store;
  readonly accountId: string;
  readonly configuration: Configuration;
}

interface Options {
  readonly clock: Clock;
  readonly speed?: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dataDir: string;
  /** Which of the controllers of one process this is. */
  readonly replica?: string | undefined;
}

/** The sources that the configuration names, and what is shown of those that it names no more. */
export function gitSourcesOf(
  options: Options,
  { store, accountId, configuration }: GitSourcesParts,
): Pick<SyncOptions, 'open' | 'tend'> {
  return {
    open: (api, mayWrite) => {
      const estate = () => configuration.estate(accountId);
      return openSources(options, { api, store: fenceStore(store, mayWrite), estate }, configuration);
    },
    tend: (api, mayWrite) => () => {
      const { sources: configured = [] } = configuration.terms();
      return tellUnconfigured({ api, store: fenceStore(store, mayWrite), clock: options.clock, configured });
    },
  };
}

/** Git leaves locks behind where it is killed, so that replicas don't share a cache. */
function openSources(
  { clock, speed, env, dataDir, replica = '' }: Options,
  parts: {
    readonly api: ApiClient;
    readonly store: Store;
    readonly estate: () => ReturnType<Configuration['estate']>;
  },
  configuration: Configuration,
): () => readonly GitSource[] {
  const cacheDir = join(dataDir, 'git', replica);
  let known = new Map<string, GitSource>();
  return () => {
    const present = configuration.sources().map(({ source: spec, signatures }): [string, GitSource] => {
      const key = JSON.stringify([spec, signatures]);
      const open = () =>
        createGitSource({
          ...{ spec, ...parts, clock, speed, cacheDir, env },
          ...(signatures ? { signatures } : {}),
        });
      return [key, known.get(key) ?? open()];
    });
    known = new Map(present);
    return [...known.values()];
  };
}
