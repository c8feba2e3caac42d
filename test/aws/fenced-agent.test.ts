import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { DescribeVpcsCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { connect } from '../../controller/aws/clients.ts';
import { VirtualClock } from '../clock.ts';
import { ACCOUNT, REGION } from '../simulator/clients.ts';

/** Takes connections, and says nothing. */
async function serveSilence() {
  const seen = { opened: 0, closed: 0 };
  const server = createServer((socket) => {
    seen.opened++;
    socket.on('close', () => seen.closed++);
    socket.on('error', () => {});
    socket.resume();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { seen, url: `https://127.0.0.1:${port}`, close: () => server.close() };
}

describe('connections', () => {
  it('leave no socket behind when the peer says nothing', async () => {
    const { seen, url, close } = await serveSilence();
    const { ec2 } = connect({
      connection: {
        endpoint: url,
        credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
        requestHandler: { connectionTimeout: 100, requestTimeout: 1_000, throwOnRequestTimeout: true },
      },
      ...{ clock: new VirtualClock(), scope: { accountId: ACCOUNT, region: REGION, installation: 'test' } },
      mayCall: () => true,
    })();
    for (let calls = 0; calls < 3; calls++) {
      await expect(ec2.send(new DescribeVpcsCommand({}))).rejects.toThrow(/within|timeout|timed out/i);
    }
    await expect.poll(() => seen, { timeout: 5_000 }).toEqual({ opened: 3, closed: 3 });
    close();
  });
});
