import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseListen, parseTokens, readApiFlags } from '../../../controller/app/config/api-flags.ts';

const GIVEN = { isChosen: true, version: '1.2.3' };

describe('the flags of the API', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bastion-test-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('say where it listens, and none says nowhere', async () => {
    expect(parseListen('127.0.0.1:8088')).toEqual({ host: '127.0.0.1', port: 8088 });
    expect(parseListen('[::1]:0')).toEqual({ host: '::1', port: 0 });
    expect(parseListen('localhost:65535')).toEqual({ host: 'localhost', port: 65_535 });
    expect(await readApiFlags({ listen: 'none', tlsCert: 'ignored' }, GIVEN)).toBeUndefined();
    expect(await readApiFlags({ listen: '127.0.0.1:1', readOnly: true }, GIVEN)).toEqual({
      ...{ ...GIVEN, isReadOnly: true, tls: undefined, tokens: undefined },
      listen: { host: '127.0.0.1', port: 1 },
    });
  });

  it.each(['8088', ':8088', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '::1:80', 'http://x:80', 'a b:80'])(
    'refuse --listen %s',
    (text) => {
      expect(() => parseListen(text)).toThrow(`--listen: found ${text}, allowed: host:port such as`);
    },
  );

  it('take a certificate only with its key, and files that can be read', async () => {
    const [cert, key] = [join(dir, 'cert'), join(dir, 'key')];
    await writeFile(cert, 'CERT');
    await writeFile(key, 'KEY');
    const listen = '0.0.0.0:8443';
    const read = await readApiFlags({ listen, tlsCert: cert, tlsKey: key }, GIVEN);
    expect(read?.tls).toEqual({ cert: 'CERT', key: 'KEY' });
    await expect(readApiFlags({ listen, tlsCert: cert }, GIVEN)).rejects.toThrow(
      '--tls-cert needs --tls-key',
    );
    await expect(readApiFlags({ listen, tlsKey: key }, GIVEN)).rejects.toThrow('--tls-key needs --tls-cert');
    const missing = { listen, tokenFile: join(dir, 'missing') };
    await expect(readApiFlags(missing, GIVEN)).rejects.toThrow(
      /^--token-file: .*missing cannot be read: ENOENT/,
    );
  });

  it('read one token a line, with who that is', () => {
    expect(parseTokens('# people\n\n secret-1 , alice \nsecret-2\r\n', '/tokens')).toEqual([
      { token: 'secret-1', user: 'alice' },
      { token: 'secret-2', user: 'line-4' },
    ]);
  });

  it.each([
    ['', 'holds no token'],
    ['# only this\n', 'holds no token'],
    ['one two\n', 'line 1 of /tokens is not token or token,user'],
    ['ok\nsecret,a,b\n', 'line 2 of /tokens is not token or token,user'],
    ['same,a\nsame,b\n', 'holds a token twice'],
  ])('refuse tokens written as %j without showing them', (text, message) => {
    let thrown: unknown;
    try {
      parseTokens(text, '/tokens');
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).toContain(message);
    expect(String(thrown)).not.toMatch(/secret|same/);
  });
});
