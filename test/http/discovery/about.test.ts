import { describe, expect, it } from 'vitest';
import type { About } from '../../../controller/api/about.ts';
import { createHttpClient } from '../../../controller/client/http-client.ts';
import { createRig } from '../rig.ts';

const ABOUT: About = {
  ...{ aws: 'real', region: 'eu-west-1', installation: 'team', accountId: '123456789012' },
};

async function ask(about?: () => Promise<About | undefined>): Promise<About | undefined> {
  const rig = await createRig({ about, isReadOnly: true });
  const client = createHttpClient({ server: new URL(rig.url), userAgent: 'test/1' });
  try {
    return await client.about();
  } finally {
    client.close();
    await rig.close();
  }
}

describe('which AWS a server looks at', () => {
  it('is told to clients, also by a server that changes nothing', async () => {
    expect(await ask(async () => ABOUT)).toEqual(ABOUT);
  });

  it('is left open where the server does not know', async () => {
    expect(await ask(async () => undefined)).toBeUndefined();
    expect(await ask()).toBeUndefined();
  });
});
