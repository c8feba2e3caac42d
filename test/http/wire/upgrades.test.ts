import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../controller/app/process/clock.ts';
import { createFakeTunnels } from '../fake-tunnels.ts';
import { createRig } from '../rig.ts';

async function start(): Promise<{ url: string }> {
  const rig = await createRig({ tunnels: createFakeTunnels(), clock: systemClock() });
  onTestFinished(() => rig.close());
  return rig;
}

function open(url: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** The status lines of everything said until the server closes. */
async function statuses(socket: Socket): Promise<readonly string[]> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return text.match(/HTTP\/1\.1 \d{3}/g) ?? [];
}

const plain = (path: string, ...headers: string[]) =>
  `${[`GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...headers].join('\r\n')}\r\n\r\n`;
const h2c = (path: string) =>
  plain(path, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk');
const last = plain('/version', 'Connection: close');

describe('an upgrade that nobody takes', () => {
  it.each([
    ['with a request right behind it', [h2c('/version') + last]],
    ['with a request right before it', [plain('/version') + h2c('/version') + last]],
    [
      'with others around it',
      [plain('/version') + h2c('/version') + h2c('/version') + plain('/version') + last],
    ],
  ])('is answered as an ordinary request, %s', async (_, [text]) => {
    const { url } = await start();
    const socket = open(url);
    socket.write(text ?? '');
    const count = (text ?? '').split('GET ').length - 1;
    expect(await statuses(socket)).toEqual(Array.from({ length: count }, () => 'HTTP/1.1 200'));
  });
});
