import { join } from 'node:path';
import type { ConnectionOptions } from '../cli/connection.ts';
import type { Clock } from '../machinery/clock.ts';
import { DEFAULTS } from './config/defaults.ts';

/** What a command line takes from the process it runs in. */
export interface ConnectParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  readonly clock: Clock;
  /** Returns an id that no other process ever returns, and that cannot be guessed. */
  readonly newId: () => string;
  readonly version: string;
  /** Told what a person should know who serves the API to others. */
  readonly warn: (text: string) => void;
}

export function dataDirOf({ dataDir }: ConnectionOptions, { env, homeDir }: ConnectParts): string {
  return dataDir ?? env['BASTION_DATA_DIR'] ?? join(homeDir, DEFAULTS.dataDirName);
}
