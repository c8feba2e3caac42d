#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import type { Connection, ConnectionOptions } from './cli/connection.ts';
import { runCli } from './cli/program.ts';
import { createFacade } from './server/facade.ts';
import { readAnnouncement } from './shell/announcement.ts';
import { connectionTo, openAws } from './shell/aws.ts';
import { systemClock } from './shell/clock.ts';
import { hasStore } from './shell/data-dir.ts';
import { DEFAULTS } from './shell/defaults.ts';
import { previewPlan } from './shell/preview.ts';
import { openStore } from './shell/store.ts';
import { UsageError } from './shell/usage-error.ts';
import { readVersion } from './shell/version.ts';
import { openEmbeddedStore } from './store/embedded.ts';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

const clock = systemClock();
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());

/** Sees the world that the controller on the same data folder sees; flags say otherwise. */
async function connect(options: ConnectionOptions): Promise<Connection> {
  const dataDir = options.dataDir ?? process.env['BASTION_DATA_DIR'] ?? join(homedir(), DEFAULTS.dataDirName);
  const running = await readAnnouncement(dataDir);
  const region = options.region ?? running?.region ?? process.env['AWS_REGION'] ?? DEFAULTS.region;
  const where = options.aws ?? running?.aws ?? 'simulated';
  const connection = where === 'simulated' ? undefined : connectionTo(where);
  const { table, mayCreate } = options;
  const isAbsent = table === undefined && !running && !(await hasStore(dataDir));
  const { store, close } =
    isAbsent && !mayCreate
      ? await openEmbeddedStore({ clock, newId: randomUUID })
      : await openStore({ table, dataDir, region, clock, newId: randomUUID, connection });
  const api = createFacade({ store, clock, newUid: randomUUID });
  const preview: Connection['preview'] = async (bastions) => {
    if (!connection)
      throw new UsageError('plan compares with AWS: start the controller first, or say --aws=real');
    const settings = {
      installation: options.installation ?? running?.installation ?? DEFAULTS.installation,
      image: running?.image ?? DEFAULTS.image,
      maxTtlMs: running?.maxTtlMs ?? DEFAULTS.maxTtlMs,
    };
    const shrinkLimit = running?.shrinkLimit ?? DEFAULTS.shrinkLimit;
    const aws = await openAws(where, region, clock);
    return previewPlan({ api, store, aws, clock, settings, defaultRegion: region, shrinkLimit }, bastions);
  };
  const idle = table !== undefined || running ? undefined : { dataDir, isAbsent };
  return { api, preview, close: () => close(), idle };
}

async function listFiles(
  path: string,
  { recursive }: { readonly recursive: boolean },
): Promise<string[] | undefined> {
  if (!(await stat(path)).isDirectory()) return undefined;
  const entries = await readdir(path, { recursive, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question, { signal: interrupted.signal });
  } finally {
    terminal.close();
  }
}

/** A container may run under a number that has no name. */
function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return process.env['USER'];
  }
}

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: () => text(process.stdin),
  readFile: (path) => readFile(path, 'utf8'),
  listFiles,
  ask: process.stdin.isTTY ? ask : undefined,
  user: userName(),
  clock,
  version: readVersion(),
  connect,
  signal: interrupted.signal,
  noColor: process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== '',
});
