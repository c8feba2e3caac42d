import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFacade } from '../../controller/server/facade.ts';
import { createGitSource } from '../../controller/sources/git.ts';
import { createPathRules, type PathRule } from '../../controller/sources/path-rules.ts';
import { sample } from '../api/sample.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';
import { GIT_ENV } from './remote.ts';
import { createSignedRemote, hasSshKeygen, type SignedRemote } from './signing.ts';

const manifest = (name: string, spec: object = {}) => JSON.stringify(sample(spec, { name }));
const PATHS: readonly PathRule[] = [
  { prefix: '', signers: ['root', 'merger'] },
  { prefix: 'teams/web/', signers: ['web'] },
  { prefix: 'teams/payments/', signers: ['pay'] },
];
const PAY = 'teams/payments/p.yaml';
const WEB = 'teams/web/w.yaml';

describe('who may change a path', () => {
  const mayChange = createPathRules(PATHS);

  it('is said by the longest prefix alone', () => {
    expect(mayChange('pay', PAY)).toBe(true);
    expect(mayChange('root', PAY)).toBe(false);
    expect(mayChange('root', 'teams/x.yaml')).toBe(true);
    expect(mayChange('pay', 'teams/x.yaml')).toBe(false);
  });

  it('is nobody where no prefix covers it', () => {
    const narrow = createPathRules([{ prefix: 'teams/web', signers: ['web'] }]);
    expect(narrow('web', 'README.md')).toBe(false);
    expect(narrow('web', WEB)).toBe(true);
    expect(createPathRules([])('web', WEB)).toBe(false);
  });

  it.each([
    'teams/payments-evil/p.yaml',
    'Teams/Payments/p.yaml',
    'teams/payments.yaml',
    'teams/payment',
    '/teams/payments/p.yaml',
    'teams/paymentſ/p.yaml',
  ])('takes %j for no path under teams/payments/', (path) => {
    expect(mayChange('pay', path)).toBe(false);
  });

  it('counts a file in place of the folder, and the same prefix twice, however it is written', () => {
    expect(mayChange('pay', 'teams/payments')).toBe(true);
    const twice = createPathRules([
      { prefix: 'a', signers: ['x'] },
      { prefix: '/a/', signers: ['y'] },
    ]);
    expect([twice('x', 'a/b'), twice('y', 'a/b'), twice('z', 'a/b')]).toEqual([true, true, false]);
  });
});

describe.skipIf(!hasSshKeygen)('a git source whose paths have signers of their own', () => {
  let remote: SignedRemote;
  let trusted: string;
  beforeEach(() => {
    remote = createSignedRemote();
    remote.allow('root', 'merger', 'web', 'pay');
    trusted = remote.commitAs('root', {
      [PAY]: manifest('pay'),
      [WEB]: manifest('web'),
      'x.yaml': manifest('x'),
    });
  });
  afterEach(() => remote.remove());

  const sync = async (suffix = '#main', paths = PATHS) => {
    const clock = new VirtualClock('2026-11-23T09:00:00Z');
    const store = createMemorySubject(clock).open();
    let uids = 0;
    const api = createFacade({ store, clock, newUid: () => `uid-${uids++}`, isSource: true });
    const source = createGitSource({
      ...{ store, api, clock, spec: `${remote.dir}${suffix}`, cacheDir: remote.cacheDir, env: GIT_ENV },
      signatures: remote.policy(trusted, paths),
    });
    return source.sync();
  };
  const SYNCED = { state: 'synced' };
  const refused = (commit: string, signer: string, paths: string) => ({
    ...{ state: 'untrusted', created: [] },
    message: expect.stringContaining(
      `commit ${commit.slice(0, 12)} by Alice <alice@example.com> is signed by ${signer}, who may not change ${paths}.`,
    ),
  });
  const branch = (name: string, from = trusted) => remote.git(['checkout', '--quiet', '-b', name, from]);
  const checkout = (name: string) => remote.git(['checkout', '--quiet', name]);

  it('takes from each what is theirs', async () => {
    remote.commitAs('pay', { [PAY]: manifest('pay', { reason: 'mine' }) });
    remote.commitAs('web', { [WEB]: undefined });
    remote.commitAs('root', { 'teams/other.yaml': manifest('other') });
    expect(await sync()).toMatchObject(SYNCED);
  });

  it.each([
    ['changes', { [PAY]: manifest('pay', { reason: 'x' }) }],
    ['deletes', { [PAY]: undefined }],
    ['adds', { 'teams/payments/q.yaml': manifest('q') }],
    ['changes among its own', { [WEB]: undefined, 'teams/payments/deep/q.yaml': manifest('q') }],
  ])(
    'refuses a commit that %s what is another team’s',
    async (_what, files: Record<string, string | undefined>) => {
      const bad = remote.commitAs('web', files);
      const path = Object.keys(files).find((one) => one.includes('payments')) ?? '';
      expect(await sync()).toMatchObject(refused(bad, 'web', path));
    },
  );

  it('counts a rename for both places, and a mode, a link or a submodule for a change', async () => {
    const move = (from: string, to: string) => renameSync(join(remote.dir, from), join(remote.dir, to));
    move(PAY, 'teams/web/p.yaml');
    const renamed = remote.commitAs('web', {});
    expect(await sync()).toMatchObject(refused(renamed, 'web', PAY));
    remote.git(['reset', '--quiet', '--hard', trusted]);
    remote.git(['config', 'core.fileMode', 'true']);
    remote.git(['update-index', '--chmod=+x', PAY]);
    remote.signAs('web');
    remote.git(['commit', '--quiet', '--message', 'mode']);
    expect(await sync()).toMatchObject(refused(remote.git(['rev-parse', 'HEAD']), 'web', PAY));
    remote.git(['reset', '--quiet', '--hard', trusted]);
    symlinkSync('../web/w.yaml', join(remote.dir, 'teams/payments/link.yaml'));
    expect(await sync()).toMatchObject(SYNCED);
    const linked = remote.commitAs('web', {});
    expect(await sync()).toMatchObject(refused(linked, 'web', 'teams/payments/link.yaml'));
    remote.git(['reset', '--quiet', '--hard', trusted]);
    remote.git(['update-index', '--add', '--cacheinfo', `160000,${trusted},teams/payments/module`]);
    remote.signAs('web');
    remote.git(['commit', '--quiet', '--message', 'module']);
    expect(await sync()).toMatchObject(
      refused(remote.git(['rev-parse', 'HEAD']), 'web', 'teams/payments/module'),
    );
  });

  it('reads names with quotes, newlines and what looks like git’s own output', async () => {
    const name = `teams/payments/a"\\\n:100644 100644 x${'0'.repeat(40)} ${'1'.repeat(40)}\té.yaml`;
    const bad = remote.commitAs('web', { [name]: manifest('q') });
    expect(await sync()).toMatchObject(refused(bad, 'web', name.replace(/\s+/g, ' ')));
    remote.git(['reset', '--quiet', '--hard', trusted]);
    remote.commitAs('pay', { [name]: manifest('q') });
    expect(await sync()).toMatchObject(SYNCED);
  });

  it('asks for nobody’s rights outside the path of the source, but for a signature', async () => {
    remote.commitAs('web', { 'x.yaml': manifest('y') });
    expect(await sync('#main:teams')).toMatchObject(SYNCED);
    expect(await sync('#main')).toMatchObject({ state: 'untrusted' });
    remote.commitAs(undefined, { 'x.yaml': manifest('z') });
    expect(await sync('#main:teams')).toMatchObject({ state: 'untrusted' });
  });

  it('refuses a change where no prefix covers the path', async () => {
    const bad = remote.commitAs('web', { 'x.yaml': manifest('y'), 'y.yaml': manifest('z') });
    const paths = [{ prefix: 'teams', signers: ['web'] }];
    expect(await sync('#main', paths)).toMatchObject(refused(bad, 'web', 'x.yaml and 1 more'));
  });

  describe('and a merge', () => {
    beforeEach(() => {
      branch('pay');
      remote.commitAs('pay', { [PAY]: manifest('pay', { reason: 'fixed' }) });
      checkout('main');
      remote.commitAs('web', { [WEB]: manifest('web', { reason: 'new' }) });
    });

    it('may bring together what others have signed', async () => {
      remote.mergeAs('merger', 'pay', []);
      expect(await sync()).toMatchObject(SYNCED);
    });

    it('must be signed itself', async () => {
      remote.mergeAs(undefined, 'pay', []);
      expect(await sync()).toMatchObject({
        state: 'untrusted',
        message: expect.stringContaining('is not signed'),
      });
    });

    it('answers for what it makes up', async () => {
      const evil = remote.mergeAs('merger', 'pay', [], () =>
        remote.write(PAY, manifest('pay', { reason: 'evil' })),
      );
      expect(await sync()).toMatchObject(refused(evil, 'merger', PAY));
    });

    it('answers for a file that no parent has, and for one that it deletes', async () => {
      const evil = remote.mergeAs('merger', 'pay', [], () => {
        remote.write('teams/web/evil.yaml', manifest('evil'));
        rmSync(join(remote.dir, WEB));
      });
      expect(await sync()).toMatchObject(refused(evil, 'merger', 'teams/web/evil.yaml and 1 more'));
    });

    it('answers for a change that it drops by taking the older side, whichever that is', async () => {
      const ours = remote.mergeAs('merger', 'pay', ['--strategy=ours']);
      expect(await sync()).toMatchObject(refused(ours, 'merger', PAY));
      remote.git(['reset', '--quiet', '--hard', 'HEAD~1']);
      const theirs = remote.mergeAs('merger', 'pay', [], () => remote.git(['checkout', 'pay', '--', '.']));
      expect(await sync()).toMatchObject(refused(theirs, 'merger', WEB));
    });

    it('answers for what it joins from two sides', async () => {
      const lines = (first: string, last: string) =>
        `# ${first}\n#\n#\n#\n#\n#\n# ${last}\n${manifest('pay')}`;
      remote.git(['reset', '--quiet', '--hard', trusted]);
      trusted = remote.commitAs('root', { [PAY]: lines('a', 'b') });
      branch('one');
      remote.commitAs('pay', { [PAY]: lines('1', 'b') });
      checkout('main');
      remote.commitAs('pay', { [PAY]: lines('a', '2') });
      const joined = remote.mergeAs('merger', 'one', []);
      expect(await sync()).toMatchObject(refused(joined, 'merger', PAY));
      remote.git(['reset', '--quiet', '--hard', 'HEAD~1']);
      remote.mergeAs('pay', 'one', []);
      expect(await sync()).toMatchObject(SYNCED);
    });

    it('is looked at against every parent of several, and every fork of two that crossed', async () => {
      branch('docs');
      remote.commitAs('root', { 'README.md': 'x' });
      checkout('main');
      remote.signAs('merger');
      remote.git(['merge', '--quiet', '--no-ff', '--message', 'octopus', 'pay', 'docs']);
      expect(await sync()).toMatchObject(SYNCED);
      branch('left', 'main');
      remote.commitAs('pay', { [PAY]: manifest('pay', { reason: 'left' }) });
      branch('right', 'main');
      remote.commitAs('web', { [WEB]: manifest('web', { reason: 'right' }) }, '2026-11-23T08:30:00Z');
      const [left, right] = ['left', 'right'].map((name) => remote.git(['rev-parse', name]));
      remote.mergeAs('merger', left ?? '', []);
      checkout('left');
      remote.mergeAs('merger', right ?? '', []);
      // As it is on the right: against that fork alone nothing would seem to have changed.
      remote.commitAs('pay', { [PAY]: manifest('pay', { reason: 'fixed' }) });
      checkout('right');
      remote.mergeAs('pay', 'left', []);
      remote.git(['branch', '--force', 'main', 'right']);
      expect(await sync()).toMatchObject(SYNCED);
      remote.git(['reset', '--quiet', '--hard', 'HEAD~1']);
      const evil = remote.mergeAs('web', 'left', ['--strategy=ours']);
      remote.git(['branch', '--force', 'main', 'right']);
      expect(await sync()).toMatchObject(refused(evil, 'web', PAY));
    });

    it('of a history without a common beginning answers for what it takes over from neither', async () => {
      remote.git(['checkout', '--quiet', '--orphan', 'other']);
      remote.git(['rm', '-r', '--quiet', '--force', '.']);
      remote.commitAs('pay', { 'teams/payments/new.yaml': manifest('new') });
      checkout('main');
      remote.mergeAs('merger', 'other', ['--allow-unrelated-histories']);
      expect(await sync()).toMatchObject(SYNCED);
      remote.git(['reset', '--quiet', '--hard', 'HEAD~1']);
      const evil = remote.mergeAs('merger', 'other', ['--allow-unrelated-histories'], () =>
        rmSync(join(remote.dir, PAY)),
      );
      expect(await sync()).toMatchObject(refused(evil, 'merger', PAY));
    });
  });
});
