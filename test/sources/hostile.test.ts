import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../controller/app/process/clock.ts';
import { parseGitSpec } from '../../controller/sources/git-spec.ts';
import { type FetchLimits, openRepository } from '../../controller/sources/repository.ts';
import { createRemote, GIT_ENV, type Remote } from './remote.ts';

/** A minute passes in two seconds. */
const SPEED = 30;
const MANIFEST = 'kind: Bastion\n';

describe('a repository', () => {
  let remote: Remote;
  let server: Server | undefined;
  beforeEach(() => {
    remote = createRemote();
  });
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    server = undefined;
    remote.remove();
  });

  const open = (spec = `${remote.dir}#main`, limits?: Partial<FetchLimits>, env: object = {}) =>
    openRepository({
      spec: parseGitSpec(spec),
      dir: remote.cacheDir,
      env: { ...GIT_ENV, ...env },
      clock: systemClock(SPEED),
      limits,
    });

  /** What `ssh` runs instead: the command there, what it says passing through this program on its way. */
  const throughSsh = (program: string) => {
    const folder = join(dirname(remote.dir), 'bin');
    mkdirSync(folder);
    const script = join(folder, 'pass.mjs');
    writeFileSync(script, program);
    const file = join(folder, 'ssh');
    writeFileSync(
      file,
      `#!/bin/sh\nfor last; do :; done\nsh -c "$last" | exec ${process.execPath} ${script}\n`,
    );
    chmodSync(file, 0o755);
    return { PATH: `${folder}:${process.env['PATH']}` };
  };

  const incompressible = (bytes: number) =>
    execFileSync(process.execPath, ['-e', `process.stdout.write(crypto.randomBytes(${bytes}))`]).toString(
      'base64',
    );

  it('is fetched for as long as something arrives, though that takes longer than git may be silent', async () => {
    const head = remote.commit({ 'orders.yaml': MANIFEST, 'data.txt': incompressible(150_000) });
    const env = throughSsh(`
      for await (const part of process.stdin)
        for (let at = 0; at < part.length; at += 20_000) {
          process.stdout.write(part.subarray(at, at + 20_000));
          if (part.length > 4_000) await new Promise((done) => setTimeout(done, 350));
        }`);
    const clock = systemClock(SPEED);
    const startedMs = clock.monotonic();
    expect(await open(`ssh://host${remote.dir}#main`, {}, env).fetch()).toBe(head);
    expect(clock.monotonic() - startedMs).toBeGreaterThan(75_000);
  });

  it('is given up when nothing arrives, and git is gone then', async () => {
    remote.commit({ 'orders.yaml': MANIFEST });
    const pidFile = join(remote.dir, 'pid');
    const env = throughSsh(`
      import { writeFileSync } from 'node:fs';
      writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
      setInterval(() => {}, 1_000);`);
    const late = open(`ssh://host${remote.dir}#main`, {}, env).fetch();
    await expect(late).rejects.toThrow(/^git (ls-remote|fetch) gave no sign of life for 60 s\./);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it('is given up when it takes too long though something arrives', async () => {
    remote.commit({ 'data.txt': incompressible(300_000) });
    const env = throughSsh(`
      for await (const part of process.stdin)
        for (let at = 0; at < part.length; at += 20_000) {
          process.stdout.write(part.subarray(at, at + 20_000));
          if (part.length > 4_000) await new Promise((done) => setTimeout(done, 300));
        }`);
    const late = open(`ssh://host${remote.dir}#main`, { totalMs: 70_000 }, env).fetch();
    await expect(late).rejects.toThrow('git fetch took longer than 70 s.');
  });

  it('is ended at once when nobody wants it any more', async () => {
    remote.commit({ 'orders.yaml': MANIFEST });
    const repository = open(`ssh://host${remote.dir}#main`, {}, throughSsh('setInterval(() => {}, 1_000);'));
    const fetched = repository.fetch();
    repository.stop?.();
    await expect(fetched).rejects.toMatchObject({ name: 'StoppedError' });
  });

  it('is refused when it is larger than what is kept of it, and leaves no remains', async () => {
    remote.commit({ 'data.txt': incompressible(300_000) });
    const fetched = open(`${remote.dir}#main`, { bytes: 200_000 }).fetch();
    await expect(fetched).rejects.toMatchObject({
      name: 'RefusedError',
      message: expect.stringContaining('More than 200000 bytes would be kept of the repository'),
    });
    const packs = readdirSync(join(remote.cacheDir, 'objects', 'pack'));
    expect(packs.filter((name) => name.startsWith('tmp_'))).toEqual([]);
  });

  it('is refused when its folders hold one another many times over, without listing it all', async () => {
    bomb(remote, `100644 blob ${put(remote, 'blob', MANIFEST)}`);
    const repository = open();
    const commit = await repository.fetch();
    const before = process.memoryUsage().rss;
    await expect(repository.tree(commit)).rejects.toMatchObject({
      name: 'RefusedError',
      message:
        'The commit holds more than 50000 manifests, links and submodules. Narrow the source by a path.',
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(250_000_000);
    // Asked again, it lists nothing.
    await expect(repository.tree(commit)).rejects.toMatchObject({ name: 'RefusedError' });
  });

  it('is refused when these folders hold nothing at all', async () => {
    bomb(remote, `040000 tree ${put(remote, 'tree', '')}`);
    const repository = open();
    await expect(repository.tree(await repository.fetch())).rejects.toThrow(
      'The commit holds more than 1000000 files and folders. Narrow the source by a path.',
    );
  });

  it('is refused, and no harm done, when its folders are nested without end', async () => {
    const file = `commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\n`;
    const input = `${file}M 100644 inline ${'d/'.repeat(3_000)}orders.yaml\ndata 1\nx\n`;
    execFileSync('git', ['fast-import', '--quiet', '--force'], { cwd: remote.dir, env: GIT_ENV, input });
    const repository = open();
    const read = repository.fetch().then((commit) => repository.tree(commit));
    await expect(read).rejects.toMatchObject({ name: 'RefusedError' });
  });

  it('is read though it holds very many other files', async () => {
    const blob = put(remote, 'blob', MANIFEST);
    const many = Array.from({ length: 30_000 }, (_, index) => `100644 blob ${blob}\tfile-${index}.txt\n`);
    const input = [...many, `100644 blob ${blob}\torders.yaml\n`].join('');
    const tree = execFileSync('git', ['mktree'], { cwd: remote.dir, env: GIT_ENV, input }).toString().trim();
    publish(remote, tree);
    const repository = open();
    expect(await repository.tree(await repository.fetch())).toEqual([
      { path: 'orders.yaml', mode: '100644', blob, bytes: MANIFEST.length },
    ]);
  });

  it('has an author whose name is as long as it may be', async () => {
    const long = { name: 'x'.repeat(20_000), email: 'x@example.com' };
    remote.commit({ 'orders.yaml': MANIFEST }, undefined, long);
    const repository = open();
    const touch = await repository.lastTouch(await repository.fetch(), 'orders.yaml');
    expect(touch.author).toBe('x'.repeat(200));
  });

  describe('over https', () => {
    /** Answers as the handler says; anything else is git over http, of the remote. */
    const serve = async (redirect: (request: IncomingMessage) => string | undefined) => {
      const seen: { url: string | undefined; authorization: string | undefined }[] = [];
      const folder = join(dirname(remote.dir), 'tls');
      mkdirSync(folder, { recursive: true });
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
      const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      const options = [
        '-keyout',
        key,
        '-out',
        cert,
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
        '-addext',
        names,
      ];
      await promisify(execFile)('openssl', [...request, ...options]);
      server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
        seen.push({ url: request.url, authorization: request.headers.authorization });
        const to = redirect(request);
        if (to !== undefined) return response.writeHead(302, { location: to }).end();
        backend(remote.dir, request, response);
      });
      await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
      const { port } = server.address() as AddressInfo;
      return { port, seen, env: { GIT_SSL_CAINFO: cert } };
    };

    it('is fetched with the login of its URL', async () => {
      const head = remote.commit({ 'orders.yaml': MANIFEST });
      const { port, seen, env } = await serve(() => undefined);
      const repository = open(`https://bot:secret@localhost:${port}/repo.git#main`, {}, env);
      expect(await repository.fetch()).toBe(head);
      const login = `Basic ${Buffer.from('bot:secret').toString('base64')}`;
      expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(new Set([login]));
    });

    it('follows no redirect, so that the login goes to no other host, and says what to do', async () => {
      remote.commit({ 'orders.yaml': MANIFEST });
      const { port, seen, env } = await serve(({ headers, url }) =>
        headers.host?.startsWith('localhost') ? `https://127.0.0.1:${port}${url}` : undefined,
      );
      const repository = open(`https://bot:secret@localhost:${port}/repo.git#main`, {}, env);
      await expect(repository.fetch()).rejects.toThrow(
        'It answers with a redirect, which is not followed: name the address that it leads to.',
      );
      expect(seen).toHaveLength(1);
    });

    it('follows none though the configuration of the user says so, for any address or this one', async () => {
      remote.commit({ 'orders.yaml': MANIFEST });
      const { port, seen, env } = await serve(({ headers, url }) =>
        headers.host?.startsWith('localhost') ? `https://127.0.0.1:${port}${url}` : undefined,
      );
      const url = `https://localhost:${port}/repo.git`;
      const config = join(dirname(remote.dir), 'gitconfig');
      writeFileSync(config, `[http]\nfollowRedirects = true\n[http "${url}"]\nfollowRedirects = true\n`);
      const repository = open(
        `https://bot:secret@localhost:${port}/repo.git#main`,
        {},
        {
          ...env,
          GIT_CONFIG_GLOBAL: config,
        },
      );
      await expect(repository.fetch()).rejects.toThrow('which is not followed');
      expect(seen).toHaveLength(1);
    });
  });
});

function put(remote: Remote, type: string, content: string, hexTail = ''): string {
  const input = Buffer.concat([Buffer.from(content), Buffer.from(hexTail, 'hex')]);
  const options = { cwd: remote.dir, env: GIT_ENV, input };
  return execFileSync('git', ['hash-object', '-t', type, '-w', '--stdin'], options).toString().trim();
}

function publish({ git }: Remote, tree: string): void {
  git(['update-ref', 'refs/heads/main', git(['commit-tree', '-m', 'change', tree])]);
}

/** A few kilobytes: ten levels of folders, each of which holds the same one ten times. */
function bomb(remote: Remote, leaf: string): void {
  const options = { cwd: remote.dir, env: GIT_ENV };
  const fill = (entry: string, name: string) => {
    const lines = Array.from({ length: 10 }, (_, index) => `${entry}\t${name.replace('N', String(index))}\n`);
    return execFileSync('git', ['mktree'], { ...options, input: lines.join('') })
      .toString()
      .trim();
  };
  let tree = fill(leaf, 'orders-N.yaml');
  for (let level = 1; level < 10; level++) tree = fill(`040000 tree ${tree}`, 'folder-N');
  publish(remote, tree);
}

/** What has ended may still wait for somebody to hear of it. */
function isAlive(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)])
    .stdout.toString()
    .trim();
  return state !== '' && !state.startsWith('Z');
}

function backend(dir: string, request: IncomingMessage, response: ServerResponse): void {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...GIT_ENV,
      GIT_PROJECT_ROOT: dirname(dir),
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path.replace('/repo.git', '/remote/.git'),
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(request.headers['content-encoding'] && {
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      }),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  });
  request.pipe(child.stdin);
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.on('close', () => {
    const all = Buffer.concat(parts);
    const end = all.indexOf('\r\n\r\n');
    for (const line of all.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(': ');
      if (name === 'Status') response.statusCode = Number(value.slice(0, 3));
      else response.setHeader(name, value);
    }
    response.end(all.subarray(end + 4));
  });
}
