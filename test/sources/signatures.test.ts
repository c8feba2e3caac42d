import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { type Guard, trippedCondition } from '../../controller/api/guard.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { createGitSource } from '../../controller/sources/git.ts';
import type { SignaturePolicy } from '../../controller/sources/signatures.ts';
import type { GitSource } from '../../controller/sources/source-record.ts';
import type { Store } from '../../controller/store/store.ts';
import { sample } from '../api/sample.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';
import { damage, GIT_ENV } from './remote.ts';
import { createSignedRemote, hasSshKeygen, type SignedRemote } from './signing.ts';

const manifest = (name: string, spec: object = {}) => JSON.stringify(sample(spec, { name }));

describe.skipIf(!hasSshKeygen)('a git source whose commits must be signed', () => {
  let clock: VirtualClock;
  let store: Store;
  let api: ApiClient;
  let remote: SignedRemote;
  let trusted: string;
  beforeEach(() => {
    clock = new VirtualClock('2026-11-23T09:00:00Z');
    store = createMemorySubject(clock).open();
    let uids = 0;
    api = createFacade({ store, clock, newUid: () => `uid-${uids++}`, isSource: true });
    remote = createSignedRemote();
    remote.allow('alice', 'bob');
    remote.makeKey('eve');
    trusted = remote.commitAs(undefined, { 'a.yaml': manifest('a') });
  });
  afterEach(() => remote.remove());

  const open = (policy: Partial<SignaturePolicy> = {}, { suffix = '#main', env = GIT_ENV as object } = {}) =>
    createGitSource({
      ...{ store, api, clock, spec: `${remote.dir}${suffix}`, cacheDir: remote.cacheDir, env: { ...env } },
      signatures: { ...remote.policy(trusted), ...policy },
    });
  const names = async () => {
    const { items } = await api.bastions.list();
    return items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
  };
  const record = async () => (await store.list<GitSource>('sources')).items[0]?.status;
  const guard = async (): Promise<Guard | undefined> => (await api.guards.list()).items[0];
  const short = (commit: string) => commit.slice(0, 12);
  const refused = (message: string | RegExp) => ({
    ...{ state: 'untrusted', created: [], updated: [], deleted: [] },
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  });

  it('is in force as long as every commit since the trusted one is signed by somebody allowed', async () => {
    remote.commitAs('alice', { 'b.yaml': manifest('b') });
    const head = remote.commitAs('bob', { 'a.yaml': undefined });
    expect(await open().sync()).toMatchObject({ state: 'synced', commit: head, created: ['default/b'] });
    expect(await record()).toMatchObject({ commit: head, trustedCommit: trusted });
    expect(await guard()).toBeUndefined();
  });

  it('is fetched anew where its commits cannot be read', async () => {
    remote.commitAs('alice', { 'b.yaml': manifest('b') });
    remote.commitAs('bob', { 'c.yaml': manifest('c') });
    await open().sync();
    const [cache = ''] = readdirSync(remote.cacheDir);
    damage(join(remote.cacheDir, cache), trusted);
    const source = open();
    expect(await source.sync()).toMatchObject(refused(/signatures cannot be verified: .*corrupt/));
    expect(await source.sync()).toMatchObject({ state: 'synced', unchanged: expect.anything() });
  });

  it('takes the trusted commit itself as it is', async () => {
    expect(await open().sync()).toMatchObject({ state: 'synced', commit: trusted });
  });

  it('stays at the last good commit when one in between is not signed, and shows which', async () => {
    const good = remote.commitAs('alice', { 'b.yaml': manifest('b') });
    const source = open();
    await source.sync();
    const bad = remote.commitAs(undefined, { 'c.yaml': manifest('c'), 'b.yaml': undefined });
    const head = remote.commitAs('alice', { 'd.yaml': manifest('d') });
    const report = await source.sync();
    const message =
      `${remote.dir}#main stays at ${short(good)}: commit ${short(bad)} by Alice <alice@example.com> is not signed. ` +
      'Take it out of the branch, or have it signed by somebody who may; or review it, and make it or a later commit the trustedCommit. ' +
      'Until then nothing of it is applied, changed or deleted.';
    expect(report).toMatchObject({
      ...{ state: 'untrusted', commit: head, message, problems: [{ message }] },
      news: [{ change: 'tripped', reason: 'SourceUntrusted', message }],
    });
    expect(await names()).toEqual(['a', 'b']);
    expect(await record()).toMatchObject({ state: 'untrusted', message, commit: good });
    expect(trippedCondition(await guard())).toMatchObject({
      status: 'True',
      reason: 'SourceUntrusted',
      message,
    });
    const { items } = await api.events.list({ fieldSelector: 'involvedObject.kind=Guard' });
    expect(items).toMatchObject([{ type: 'Warning', reason: 'SourceUntrusted', message }]);
    const { revision } = await store.list('guards');
    expect(await source.sync()).toMatchObject({ state: 'untrusted', news: [] });
    expect(await open().sync()).toMatchObject({ state: 'untrusted', news: [] });
    expect((await store.list('guards')).revision).toBe(revision);
  });

  it('goes on by itself once the commit is out of the branch', async () => {
    const good = remote.commitAs('alice', { 'b.yaml': manifest('b') });
    const source = open();
    await source.sync();
    remote.commitAs(undefined, { 'c.yaml': manifest('c') });
    await source.sync();
    remote.git(['reset', '--quiet', '--hard', good]);
    const head = remote.commitAs('alice', { 'd.yaml': manifest('d') });
    expect(await source.sync()).toMatchObject({
      ...{ state: 'synced', commit: head, created: ['default/d'] },
      news: [{ change: 'cleared', message: 'All its commits are trusted again, or none has to be.' }],
    });
    expect(trippedCondition(await guard())).toMatchObject({ status: 'False', reason: 'Resolved' });
  });

  it('goes on once a reviewed commit is made the trusted one', async () => {
    await open().sync();
    const reviewed = remote.commitAs(undefined, { 'c.yaml': manifest('c') });
    await open().sync();
    expect(await open({ trustedCommit: reviewed }).sync()).toMatchObject({
      state: 'synced',
      created: ['default/c'],
    });
    expect(await record()).toMatchObject({ trustedCommit: reviewed });
  });

  it('takes no confirmation, and says so', async () => {
    remote.commitAs(undefined, { 'c.yaml': manifest('c') });
    await open().sync();
    const before = await guard();
    expect(before?.status).not.toHaveProperty('token');
    const { namespace = '', name = '' } = before?.metadata ?? {};
    await api.guards.patch(namespace, name, {
      metadata: { annotations: { [ANNOTATION.confirm]: '12345678' } },
    });
    expect(await open().sync()).toMatchObject({ state: 'untrusted', news: [{ change: 'refused' }] });
    expect(trippedCondition(await guard())?.message).toMatch(
      /The confirmation of 12345678 was refused: this is not for anybody to confirm\.$/,
    );
    expect(await names()).toEqual([]);
  });

  it('holds back what an emptied source would delete until its commits are trusted and that is confirmed', async () => {
    const source = open();
    await source.sync();
    remote.commitAs('alice', { 'a.yaml': undefined });
    expect(await source.sync()).toMatchObject({ state: 'emptied' });
    const token = (await guard())?.status?.token ?? '';
    const { namespace = '', name = '' } = (await guard())?.metadata ?? {};
    remote.commitAs(undefined, { 'README.md': 'x' });
    expect(await source.sync()).toMatchObject(refused('is not signed'));
    await api.guards.patch(namespace, name, { metadata: { annotations: { [ANNOTATION.confirm]: token } } });
    expect(await source.sync()).toMatchObject({ deleted: [] });
    await clock.advance(60_000);
    remote.git(['reset', '--quiet', '--hard', 'HEAD~1']);
    expect(await source.sync()).toMatchObject({
      state: 'emptied',
      deleted: [],
      news: [{ reason: 'SourceEmptied' }],
    });
    expect(await names()).toEqual(['a']);
  });

  it('verifies each commit once, and a refused history not at every look', async () => {
    const bin = join(dirname(remote.dir), 'bin');
    const calls = join(bin, 'calls');
    mkdirSync(bin);
    const real = execFileSync('which', ['ssh-keygen'], { encoding: 'utf8' }).trim();
    writeFileSync(join(bin, 'ssh-keygen'), `#!/bin/sh\necho >>${calls}\nexec ${real} "$@"\n`, {
      mode: 0o755,
    });
    const source = open({}, { env: { ...GIT_ENV, PATH: `${bin}:${GIT_ENV.PATH}` } });
    const callsOf = async () => {
      writeFileSync(calls, '');
      await source.sync();
      return readFileSync(calls, 'utf8').length;
    };
    for (const name of ['b', 'c', 'd']) remote.commitAs('alice', { [`${name}.yaml`]: manifest(name) });
    // Two of git for each commit, one to see that the program is there, and one for the key.
    expect(await callsOf()).toBe(8);
    expect(await callsOf()).toBe(0);
    remote.commitAs('alice', { 'e.yaml': manifest('e') });
    expect(await callsOf()).toBe(4);
    remote.commitAs('eve', { 'f.yaml': manifest('f') });
    expect(await callsOf()).toBeGreaterThan(0);
    expect(await callsOf()).toBe(0);
  });

  describe('refuses a commit', () => {
    it('by a key that is not in the file', async () => {
      const bad = remote.commitAs('eve', { 'b.yaml': manifest('b') });
      expect(await open().sync()).toMatchObject(
        refused(
          new RegExp(
            `#main is not applied: commit ${short(bad)} by Alice <alice@example.com> is signed with the key SHA256:\\S+, which is not in ${remote.allowedSigners}`,
          ),
        ),
      );
      expect(await names()).toEqual([]);
    });

    it('whose content was changed after it was signed', async () => {
      const signed = remote.commitAs('alice', { 'b.yaml': manifest('b') });
      const forged = remote.git(['cat-file', 'commit', signed]).replace('\n\nchange', '\n\nanother');
      remote.write('forged', `${forged}\n`);
      remote.git(['update-ref', 'HEAD', remote.git(['hash-object', '-t', 'commit', '-w', 'forged'])]);
      expect(await open().sync()).toMatchObject(refused('has a signature that does not fit: it was changed'));
    });

    it.each(['PGP SIGNATURE', 'SIGNED MESSAGE'])(
      'with a %s, whatever programs are configured',
      async (sort) => {
        const signed = remote.commitAs('alice', { 'b.yaml': manifest('b') });
        const header = `gpgsig -----BEGIN ${sort}-----\n \n iQ==\n -----END ${sort}-----`;
        const text = remote.git(['cat-file', 'commit', signed]).replace(/gpgsig .*(\n .*)*/, header);
        remote.write('forged', `${text}\n`);
        remote.git(['update-ref', 'HEAD', remote.git(['hash-object', '-t', 'commit', '-w', 'forged'])]);
        expect(await open().sync()).toMatchObject(refused('OpenPGP and X.509 do not count'));
      },
    );

    it('signed for another purpose than git', async () => {
      remote.allow('alice namespaces="file"');
      remote.commitAs('alice', { 'b.yaml': manifest('b') });
      expect(await open().sync()).toMatchObject(refused('or the key is not allowed to sign for git'));
    });

    it('among others, and says how many more', async () => {
      const first = remote.commitAs(undefined, { 'b.yaml': manifest('b') });
      remote.commitAs('alice', { 'c.yaml': manifest('c') });
      remote.commitAs('eve', { 'd.yaml': manifest('d') });
      expect(await open().sync()).toMatchObject(
        refused(
          new RegExp(`commit ${short(first)} .* is not signed\\. 1 more after it will not do either\\.`),
        ),
      );
    });
  });

  describe('and keys that come and go', () => {
    it('refuses one that has expired, whatever date the commit bears', async () => {
      remote.allow('alice valid-before="20261101"');
      const bad = remote.commitAs('alice', { 'b.yaml': manifest('b') }, '2026-10-01T00:00:00Z');
      expect(await open().sync()).toMatchObject(
        refused(
          new RegExp(`commit ${short(bad)} .* is signed by alice, whose key SHA256:\\S+ is not valid now`),
        ),
      );
      remote.git(['reset', '--quiet', '--hard', trusted]);
      remote.commitAs('alice', { 'b.yaml': manifest('b') });
      expect(await open().sync()).toMatchObject(refused('was not valid at the date of the commit'));
    });

    it('keeps what was in force before a key expired, also after a restart, and takes nothing new of it', async () => {
      remote.allow('alice valid-before="20261124"', 'bob');
      remote.commitAs('alice', { 'b.yaml': manifest('b') });
      await open().sync();
      await clock.advance(86_400_000);
      expect(await open().sync()).toMatchObject({ state: 'synced' });
      remote.commitAs('bob', { 'c.yaml': manifest('c') });
      expect(await open().sync()).toMatchObject({ state: 'synced', created: ['default/c'] });
      remote.commitAs('alice', { 'd.yaml': manifest('d') });
      expect(await open().sync()).toMatchObject(refused('is not valid now'));
    });

    it('refuses one that is somebody else’s by now', async () => {
      remote.allow('alice valid-before="20261101"');
      const [, ...key] = readFileSync(remote.allowedSigners, 'utf8').split('" ');
      appendFileSync(remote.allowedSigners, `carol valid-after="20261101" ${key.join('" ')}`);
      remote.commitAs('alice', { 'b.yaml': manifest('b') }, '2026-10-01T00:00:00Z');
      expect(await open().sync()).toMatchObject(refused('is signed by alice, whose key SHA256:'));
      remote.git(['reset', '--quiet', '--hard', trusted]);
      remote.commitAs('alice', { 'b.yaml': manifest('b') });
      expect(await open().sync()).toMatchObject({ state: 'synced' });
    });

    it('looks again after a while at a commit whose key was not valid yet', async () => {
      remote.allow('alice valid-after="202611231000"');
      remote.commitAs('alice', { 'b.yaml': manifest('b') }, '2026-11-23T10:30:00Z');
      const source = open();
      expect(await source.sync()).toMatchObject(refused('is not valid now'));
      await clock.advance(2 * 3_600_000);
      expect(await source.sync()).toMatchObject({ state: 'synced', created: ['default/a', 'default/b'] });
    });

    it('reads the file of signers again when it has changed, and what was verified before then counts no more', async () => {
      remote.allow('bob');
      remote.commitAs('alice', { 'b.yaml': manifest('b') });
      const source = open();
      expect(await source.sync()).toMatchObject(refused('is signed with the key SHA256:'));
      remote.allow('bob', 'alice');
      expect(await source.sync()).toMatchObject({ state: 'synced', created: ['default/a', 'default/b'] });
      remote.allow('bob');
      expect(await source.sync()).toMatchObject(refused('is signed with the key SHA256:'));
      expect(await names()).toEqual(['a', 'b']);
    });

    it('is not applied without the file, or with an authority in it', async () => {
      remote.commitAs('alice', { 'b.yaml': manifest('b') });
      const source = open();
      rmSync(remote.allowedSigners);
      expect(await source.sync()).toMatchObject(
        refused('the file of allowed signers cannot be read: ENOENT'),
      );
      remote.allow('alice cert-authority');
      expect(await source.sync()).toMatchObject(refused('names a cert-authority'));
      remote.allow('alice');
      expect(await source.sync()).toMatchObject({ state: 'synced' });
    });
  });

  describe('and history that does not follow', () => {
    it('is not applied without the trusted commit in it', async () => {
      remote.git(['checkout', '--quiet', '--orphan', 'fresh']);
      const head = remote.commitAs('alice', { 'b.yaml': manifest('b') });
      expect(await open({}, { suffix: '#fresh' }).sync()).toMatchObject(refused(`no commit ${trusted}`));
      await open({}, { suffix: '#main' }).sync();
      remote.git(['branch', '--force', 'main', 'fresh']);
      expect(await open().sync()).toMatchObject(
        refused(`commit ${short(head)} is not a descendant of the trustedCommit ${short(trusted)}`),
      );
      expect(await open({ trustedCommit: short(trusted) }).sync()).toMatchObject(refused('by its full id'));
    });

    it('is not applied when it was rewound to an older commit, also with a lost cache', async () => {
      const older = remote.commitAs('alice', { 'b.yaml': manifest('b') });
      const newer = remote.commitAs('alice', { 'b.yaml': undefined });
      await open().sync();
      remote.git(['reset', '--quiet', '--hard', older]);
      const message = `commit ${short(older)} is not a descendant of ${short(newer)}, which is in force`;
      expect(await open().sync()).toMatchObject(refused(message));
      remote.git(['reflog', 'expire', '--expire=now', '--all']);
      rmSync(remote.cacheDir, { recursive: true });
      expect(await open().sync()).toMatchObject(refused(message));
      expect(await names()).toEqual(['a']);
    });

    it('comes in once somebody says to trust a commit of the new one, and deletes nothing unasked', async () => {
      remote.commitAs('alice', { 'b.yaml': manifest('b') });
      await open().sync();
      remote.git(['reset', '--quiet', '--hard', trusted]);
      const rewritten = remote.commitAs('alice', { 'c.yaml': manifest('c') });
      expect(await open().sync()).toMatchObject(refused('history was rewound or rewritten'));
      expect(await open({ trustedCommit: rewritten }).sync()).toMatchObject({
        ...{ state: 'rewritten', created: ['default/c'], deleted: [] },
      });
      expect(await names()).toEqual(['a', 'b', 'c']);
    });

    it('is not applied from a shallow clone', async () => {
      remote.commitAs('alice', { 'b.yaml': manifest('b') });
      const source = open();
      await source.sync();
      const cache = execFileSync('ls', [remote.cacheDir], { encoding: 'utf8' })
        .split('\n')
        .find((one) => /\.git$/.test(one));
      remote.commitAs('alice', { 'c.yaml': manifest('c') });
      writeFileSync(
        join(remote.cacheDir, cache ?? '', 'shallow'),
        `${remote.git(['rev-parse', 'HEAD~1'])}\n`,
      );
      expect(await source.sync()).toMatchObject(refused('no full history'));
    });
  });

  describe('against settings that would weaken it', () => {
    it('minds none of the user and none of the cache', async () => {
      const home = join(dirname(remote.dir), 'home');
      mkdirSync(home);
      const program = join(home, 'yes');
      writeFileSync(
        program,
        '#!/bin/sh\necho "Good \\"git\\" signature for alice with ED25519 key SHA256:x"\n',
      );
      chmodSync(program, 0o755);
      const config = `[gpg]\n\tprogram = ${program}\n\tminTrustLevel = never\n[gpg "ssh"]\n\tprogram = ${program}\n\tallowedSignersFile = ${home}/all\n[gpg "openpgp"]\n\tprogram = ${program}\n[log]\n\tshowSignature = true\n`;
      writeFileSync(join(home, '.gitconfig'), config);
      writeFileSync(
        join(home, 'all'),
        execFileSync('sed', ['s/^/alice /', `${dirname(remote.dir)}/eve.key.pub`]),
      );
      const env = { PATH: GIT_ENV.PATH, HOME: home };
      await open({}, { env }).sync();
      const [cache = ''] = execFileSync('find', [remote.cacheDir, '-name', '*.git'], {
        encoding: 'utf8',
      }).split('\n');
      appendFileSync(join(cache, 'config'), config);
      remote.commitAs('eve', { 'b.yaml': manifest('b') });
      expect(await open({}, { env }).sync()).toMatchObject(refused('is signed with the key SHA256:'));
    });

    it('runs no program for OpenPGP that the cache names, whatever that would say', async () => {
      await open().sync();
      const [cache = ''] = execFileSync('find', [remote.cacheDir, '-name', '*.git'], {
        encoding: 'utf8',
      }).split('\n');
      const program = join(dirname(remote.dir), 'gpg');
      const status = [
        'NEWSIG',
        'GOODSIG 0 alice',
        `VALIDSIG SHA256:x ${'0 '.repeat(8)}SHA256:x`,
        'TRUST_FULLY 0 pgp',
      ];
      const script = status.map((line) => `echo "[GNUPG:] ${line}"`).join('\n');
      writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      appendFileSync(
        join(cache, 'config'),
        `[gpg]\n\tprogram = ${program}\n[gpg "openpgp"]\n\tprogram = ${program}\n`,
      );
      const signed = remote.commitAs('alice', { 'b.yaml': manifest('b') });
      const header = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----';
      const text = remote.git(['cat-file', 'commit', signed]).replace(/gpgsig .*(\n .*)*/, header);
      remote.write('forged', `${text}\n`);
      remote.git(['update-ref', 'HEAD', remote.git(['hash-object', '-t', 'commit', '-w', 'forged'])]);
      expect(await open().sync()).toMatchObject(refused('OpenPGP and X.509 do not count'));
    });

    it('minds no replaced object and no graft', async () => {
      const good = remote.commitAs('alice', { 'b.yaml': manifest('b') });
      await open().sync();
      const bad = remote.commitAs(undefined, { 'c.yaml': manifest('c') });
      const head = remote.commitAs('alice', { 'd.yaml': manifest('d') });
      await open().sync();
      const [cache = ''] = execFileSync('find', [remote.cacheDir, '-name', '*.git'], {
        encoding: 'utf8',
      }).split('\n');
      const env = { ...GIT_ENV, GIT_DIR: cache };
      execFileSync('git', ['replace', bad, good], { env });
      mkdirSync(join(cache, 'info'), { recursive: true });
      writeFileSync(join(cache, 'info', 'grafts'), `${head} ${good}\n`);
      expect(await open().sync()).toMatchObject(refused(`commit ${short(bad)} by Alice`));
    });

    it('takes no tree that shows other files to each who reads it', async () => {
      const [blob, other] = ['b', 'c'].map((name) => {
        remote.write('blob', manifest(name));
        return remote.git(['hash-object', '-w', 'blob']);
      });
      const entry = (id = '') => Buffer.concat([Buffer.from('100644 b.yaml\0'), Buffer.from(id, 'hex')]);
      writeFileSync(join(remote.dir, 'tree'), Buffer.concat([entry(blob), entry(other)]));
      const tree = remote.git(['hash-object', '-t', 'tree', '--literally', '-w', 'tree']);
      remote.signAs('alice');
      const bad = remote.git(['commit-tree', '-S', '-p', trusted, '-m', 'x', tree]);
      remote.git(['update-ref', 'HEAD', bad]);
      expect(await open().sync()).toMatchObject({
        ...{ state: 'unreachable', created: [] },
        message: expect.stringContaining('duplicateEntries'),
      });
    });

    it('leaves no files behind, and goes on when its cache is lost while it runs', async () => {
      const source = open();
      remote.commitAs('alice', { 'b.yaml': manifest('b') });
      await source.sync();
      expect(readdirSync(remote.cacheDir)).toEqual([expect.stringMatching(/^\w+\.signed\.git$/)]);
      rmSync(remote.cacheDir, { recursive: true });
      remote.commitAs('alice', { 'c.yaml': manifest('c') });
      expect(await source.sync()).toMatchObject({ state: 'synced', created: ['default/c'] });
    });

    it('says at the first sync that ssh-keygen is missing', async () => {
      remote.commitAs('alice', { 'b.yaml': manifest('b') });
      const bin = join(dirname(remote.dir), 'bin');
      mkdirSync(bin);
      execFileSync('ln', [
        '-s',
        execFileSync('which', ['git'], { encoding: 'utf8' }).trim(),
        join(bin, 'git'),
      ]);
      expect(await open({}, { env: { ...GIT_ENV, PATH: bin } }).sync()).toMatchObject(
        refused('git or ssh-keygen is not installed. Install git 2.34 and OpenSSH 8.9, or later.'),
      );
    });
  });
});
