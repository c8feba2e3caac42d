import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openIamBuilders } from '../../controller/aws/foundation.ts';

const POLICY = { kind: 'policy', name: 'bastion-boundary', properties: {}, tags: {} } as const;

/** IAM with one policy, which is the boundary of that many. */
async function iamWith(limited: number) {
  const policy = `<Policy><DefaultVersionId>v1</DefaultVersionId><PermissionsBoundaryUsageCount>${limited}</PermissionsBoundaryUsageCount></Policy>`;
  const version = '<PolicyVersion><Document>%7B%7D</Document></PolicyVersion>';
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const action = new URLSearchParams(body).get('Action');
      const result = action === 'GetPolicy' ? policy : version;
      response.end(`<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connection = {
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'test' },
  };
  const builders = openIamBuilders(connection, { accountId: '111122223333', region: 'eu-central-1' });
  onTestFinished(() => {
    builders.close();
    server.close();
  });
  return builders.policy;
}

describe('the boundary of an account', () => {
  it('is in use as long as it limits anybody', async () => {
    expect(await (await iamWith(2)).find(POLICY)).toMatchObject({
      inUse: 'is still the boundary of 2 roles or users, of another controller or of people',
    });
    expect(await (await iamWith(0)).find(POLICY)).not.toHaveProperty('inUse');
  });
});
