import { randomUUID } from 'node:crypto';
import { systemClock } from '../../controller/app/process/clock.ts';
import { createApiServer } from '../../controller/http/server.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { boundStore } from '../../controller/store/bounded.ts';
import { openEmbeddedStore } from '../../controller/store/embedded.ts';
import { shareWatches } from '../../controller/store/tail.ts';

/** What the server's process says of itself when it is asked. */
export interface ServerUsage {
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly cpuMs: number;
}

export type ServerMessage =
  | { readonly url: string }
  | { readonly usage: ServerUsage }
  | { readonly failure: string };

/** The HTTP API over the embedded store in a process of its own, which ends with the one that started it. */
async function serve(dataDir: string): Promise<void> {
  const clock = systemClock();
  const embedded = await openEmbeddedStore({ dataDir, clock, newId: randomUUID });
  const store = shareWatches(embedded.store, { gather: { clock, everyMs: 25 } });
  const server = await createApiServer({
    ...{ clock, version: '0.0.0', newId: randomUUID, isReadOnly: false },
    ...{ taskLogs: undefined, preview: undefined },
    api: createFacade({ store: boundStore(store, clock), clock, newUid: randomUUID }),
    listen: { host: '127.0.0.1', port: 0 },
    onFailure: ({ method, path, error }) => tell({ failure: `${method} ${path}: ${error}` }),
  });
  process.on('message', () => tell({ usage: usage() }));
  process.once('disconnect', async () => {
    await server.close();
    await store.close();
    await embedded.close();
  });
  tell({ url: server.url });
}

function tell(message: ServerMessage): void {
  process.send?.(message);
}

function usage(): ServerUsage {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { heapBytes: heapUsed + external, rssBytes: rss, cpuMs: (user + system) / 1000 };
}

await serve(process.argv[2] ?? '');
