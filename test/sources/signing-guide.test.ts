import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { createFacade } from '../../controller/server/facade.ts';
import { createGitSource } from '../../controller/sources/git.ts';
import { sample } from '../api/sample.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';
import { createRemote, GIT_ENV } from './remote.ts';
import { hasSshKeygen } from './signing.ts';

const GUIDE = readFileSync('deploy/SIGNING.md', 'utf8');
const blocks = (language: string) =>
  [...GUIDE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);

describe.skipIf(!hasSshKeygen)('the guide to signed commits', () => {
  const remote = createRemote();
  afterAll(() => remote.remove());

  it('works as written: keys, signers, policy, and the look at what the controller will say', async () => {
    const home = join(dirname(remote.dir), 'home');
    mkdirSync(join(home, '.ssh'), { recursive: true });
    remote.commit({ 'bastions/a.yaml': JSON.stringify(sample({}, { name: 'a' })) });
    remote.git(['update-ref', 'refs/remotes/origin/main', 'HEAD']);
    const run = (script: string, env: Record<string, string> = {}) =>
      execFileSync('sh', ['-ec', script], {
        ...{ cwd: remote.dir, encoding: 'utf8', env: { ...GIT_ENV, HOME: home, ...env } },
      }).trim();
    const [keys = '', signers = '', trust = '', look = ''] = blocks('sh');
    run(keys.replace(' -C alice', " -q -N '' -C alice"));
    run(signers);
    const allowed = readFileSync(join(remote.dir, 'allowed_signers'), 'utf8');
    rmSync(join(remote.dir, 'allowed_signers'));
    const trustedCommit = run(trust);
    remote.commit({ 'bastions/payments/b.yaml': JSON.stringify(sample({}, { name: 'b' })) });
    remote.git(['update-ref', 'refs/remotes/origin/main', 'HEAD']);
    execFileSync('tee', [join(remote.dir, 'allowed_signers')], { input: allowed });
    expect(run(look, { trusted: trustedCommit })).toMatch(/^G alice: \w+ change$/);

    const { spec } = load(blocks('yaml')[0] ?? '') as {
      spec: { gitSources: readonly { signatures: { paths: { prefix: string; signers: string[] }[] } }[] };
    };
    const clock = new VirtualClock('2026-11-23T09:00:00Z');
    const store = createMemorySubject(clock).open();
    let uids = 0;
    const api = createFacade({ store, clock, newUid: () => `uid-${uids++}`, isSource: true });
    const signatures = { trustedCommit, allowedSigners: join(remote.dir, 'allowed_signers') };
    const source = createGitSource({
      ...{ store, api, clock, spec: `${remote.dir}#main:bastions`, cacheDir: remote.cacheDir, env: GIT_ENV },
      signatures: { ...spec.gitSources[0]?.signatures, ...signatures },
    });
    expect(await source.sync()).toMatchObject({ state: 'synced', created: ['default/a', 'default/b'] });
  });

  it('names every reason as the controller does', () => {
    const code = readFileSync('controller/sources/signatures.ts', 'utf8');
    const reasons = [
      ...['is not signed', 'is signed with the key', 'whose key', 'is not valid now', 'who may not change'],
      ...[
        'has a signature that is not made with an SSH key',
        'which is in force',
        'is not a descendant of the trustedCommit',
      ],
    ];
    expect(reasons.filter((reason) => !GUIDE.includes(reason) || !code.includes(reason))).toEqual([]);
  });
});
