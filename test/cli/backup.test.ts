import { describe, expect, it } from 'vitest';
import { createCli } from './fixture.ts';

describe('bastionctl restore', () => {
  it('asks for the file, and says when it cannot be read', async () => {
    const { run } = createCli();
    expect(await run('restore')).toMatchObject({
      code: 1,
      err: expect.stringContaining('-f, --filename <file>'),
    });
    const missing = await run('restore -f gone.backup');
    expect(missing).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: gone\.backup cannot be read/),
    });
  });

  it('is no verb of the plugin, which knows no store', async () => {
    const { run } = createCli();
    const { code, err } = await run('backup', { program: 'kubectl bastion' });
    expect({ code, err }).toMatchObject({
      code: 1,
      err: expect.stringContaining("unknown command 'backup'"),
    });
  });
});
