import type { ApiClient } from '../../controller/api/client.ts';
import { createHttpClient } from '../../controller/client/http-client.ts';
import type { VirtualClock } from '../clock.ts';
import { createRig } from '../http/rig.ts';
import { createFixture } from '../server/fixture.ts';

/** The API with nothing in it, as one kind of client sees it. */
export interface Subject {
  readonly api: ApiClient;
  readonly clock: VirtualClock;
  close(): Promise<void>;
}

async function inProcess(): Promise<Subject> {
  const { api, clock } = createFixture();
  return { api, clock, close: async () => {} };
}

async function overHttp(): Promise<Subject> {
  const rig = await createRig();
  const api = createHttpClient({ server: new URL(rig.url), userAgent: 'test/1' });
  const close = async () => {
    api.close();
    await rig.close();
  };
  return { api, clock: rig.clock, close };
}

export const SUBJECTS: readonly (readonly [name: string, open: () => Promise<Subject>])[] = [
  ['in the own process', inProcess],
  ['over HTTP', overHttp],
];
