import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('keeps the generated types what the CRD says', async () => {
  const script = fileURLToPath(new URL('../../scripts/generate-types.ts', import.meta.url));
  const run = promisify(execFile)(process.execPath, ['--import', 'tsx', script, '--check']);
  expect(await run.catch((error: { stderr?: string }) => error)).toMatchObject({ stderr: '' });
});
