import { mkdir, mkdtemp, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ControllerConfig,
  readConfig,
  watchConfig,
} from '../../../controller/app/config/config-file.ts';
import type { Clock } from '../../../controller/machinery/clock.ts';
import { VirtualClock } from '../../clock.ts';

const SAMPLE = join(import.meta.dirname, '../../../deploy/controller-config.yaml');
const HEADER = 'apiVersion: bastion-operator.dev/v1alpha1\nkind: ControllerConfig\n';
const LOOK_MS = 5_000;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bastion-test-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function configIn(path: string): Promise<ControllerConfig> {
  return (await readConfig(path)).config;
}

async function read(spec: object): Promise<ControllerConfig> {
  const path = join(dir, 'config.yaml');
  await writeFile(path, `${HEADER}spec: ${JSON.stringify(spec)}\n`);
  return configIn(path);
}

const OWN = { name: 'own', accountId: '111111111111' };
const DATA = { name: 'data', accountId: '222222222222', roleArn: 'arn:aws:iam::222222222222:role/r' };

describe('a configuration file', () => {
  it('that ships as a sample is read whole', async () => {
    const config = await configIn(SAMPLE);
    expect(config).toMatchObject({ maxTtlMs: 12 * 3_600_000, shrinkLimit: 20, gitSources: [] });
    expect(config.accounts.map(({ name, accountId }) => [name, accountId])).toEqual([
      ['platform', '123456789012'],
      ['data', '222222222222'],
    ]);
  });

  it('is right with its comments taken for what they show', async () => {
    const text = await readFile(SAMPLE, 'utf8');
    const path = join(dir, 'config.yaml');
    await writeFile(path, text.replace(/^ {2}# (gitSources:)/m, '  $1').replace(/^ {2}# {3}/gm, '    '));
    const { gitSources } = await configIn(path);
    expect(gitSources).toHaveLength(1);
    expect(gitSources[0]?.signatures?.allowedSigners).toBe(join(dir, 'allowed_signers'));
  });

  it.each([
    ['a misspelt field', { account: [] }, 'spec.account: unknown field, did you mean accounts?'],
    [
      'an account number without quotes',
      { accounts: [{ ...OWN, accountId: 111111111111 }] },
      'spec.accounts[0].accountId: found 111111111111 (a number), allowed: a string',
    ],
    [
      'a role of another account',
      { accounts: [{ ...DATA, accountId: '333333333333' }] },
      'spec.accounts[0].roleArn: found arn:aws:iam::222222222222:role/r, allowed: a role of account 333333333333',
    ],
    [
      'an external id without a role',
      { accounts: [{ ...OWN, externalId: 'secret' }] },
      'spec.accounts[0].externalId: found without roleArn',
    ],
    [
      'two accounts of one name',
      { accounts: [OWN, { ...DATA, name: 'own' }] },
      'spec.accounts[1].name: found "own", which spec.accounts[0] has already',
    ],
    [
      'two names of one account',
      { accounts: [DATA, { ...DATA, name: 'more' }] },
      'spec.accounts[1].accountId: found 222222222222, which "data" has already',
    ],
    [
      'two accounts of its own',
      { accounts: [OWN, { name: 'b', accountId: '333333333333' }] },
      'spec.accounts[1].roleArn: required but missing',
    ],
    [
      'a region in China',
      { accounts: [{ ...OWN, regions: [{ name: 'cn-north-1' }] }] },
      'spec.accounts[0].regions[0].name: cn-north-1 is in China',
    ],
    [
      'half a network',
      { accounts: [{ ...OWN, regions: [{ name: 'eu-west-1', network: { vpcId: 'vpc-0a1b2c3d' } }] }] },
      'spec.accounts[0].regions[0].network.subnetIds: required but missing',
    ],
    [
      'no duration',
      { limits: { maxTtl: 'a day' } },
      'spec.limits.maxTtl: found "a day", allowed: a duration such as 12h',
    ],
    [
      'a git source that would run a command',
      { gitSources: [{ source: 'ext::sh' }] },
      'spec.gitSources[0].source: Git over "ext" is not allowed',
    ],
    [
      'a short commit',
      { gitSources: [{ source: '/repo', signatures: { trustedCommit: 'abc', allowedSigners: 'a' } }] },
      'spec.gitSources[0].signatures.trustedCommit: found "abc"',
    ],
  ])('with %s is refused by the name of the field', async (_what, spec, message) => {
    await expect(read(spec)).rejects.toThrow(message);
    await expect(read(spec)).rejects.toThrow(join(dir, 'config.yaml'));
  });

  it('that is of another kind, no YAML or not there is refused', async () => {
    const path = join(dir, 'config.yaml');
    await expect(readConfig(path)).rejects.toThrow(`--config: ${path} cannot be read (ENOENT)`);
    await writeFile(path, 'kind: [');
    await expect(readConfig(path)).rejects.toThrow('not YAML');
    await writeFile(path, `${HEADER.replace('ControllerConfig', 'Bastion')}spec: {}\n`);
    await expect(readConfig(path)).rejects.toThrow('kind: found "Bastion", allowed: ControllerConfig');
  });
});

describe('a configuration file that changes', () => {
  async function watch(path: string) {
    const { text } = await readConfig(path);
    const clock = new VirtualClock();
    const taken: (number | undefined)[] = [];
    const errors: string[] = [];
    const looks = { begun: 0 };
    const counting: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      setTimer: (delayMs, callback) => {
        looks.begun += 1;
        return clock.setTimer(delayMs, callback);
      },
    };
    const stop = watchConfig({
      ...{ path, text, clock: counting },
      onChange: ({ shrinkLimit }) => taken.push(shrinkLimit),
      onError: ({ message }) => errors.push(message),
    });
    // Reading takes the time it takes: until the next look is due.
    const look = async () => {
      await expect.poll(() => looks.begun).toBeGreaterThan(0);
      const { begun } = looks;
      await clock.advance(LOOK_MS);
      await expect.poll(() => looks.begun).toBe(begun + 1);
    };
    return { taken, errors, stop, look, clock };
  }
  const textOf = (shrinkLimit: unknown) => `${HEADER}spec: { limits: { shrinkLimit: ${shrinkLimit} } }\n`;

  it('is taken, and told once when it is wrong or gone', async () => {
    const path = join(dir, 'config.yaml');
    await writeFile(path, textOf(1));
    const { taken, errors, look, stop } = await watch(path);
    await look();
    await writeFile(path, textOf(2));
    await look();
    await look();
    expect([taken, errors]).toEqual([[2], []]);
    await writeFile(path, textOf('many'));
    await look();
    await look();
    expect(errors).toEqual([expect.stringContaining('spec.limits.shrinkLimit: found "many"')]);
    await rm(path);
    await look();
    await look();
    expect(errors).toHaveLength(2);
    await writeFile(path, textOf(3));
    await look();
    expect(taken).toEqual([2, 3]);
    stop();
  });

  it('is taken though it changed before the first look', async () => {
    const path = join(dir, 'config.yaml');
    await writeFile(path, textOf(1));
    const { taken, look, stop } = await watch(path);
    await writeFile(path, textOf(2));
    await look();
    expect(taken).toEqual([2]);
    stop();
  });

  it('by the swap of a folder, as a ConfigMap does, is taken', async () => {
    for (const version of [1, 2]) {
      await mkdir(join(dir, `v${version}`));
      await writeFile(join(dir, `v${version}`, 'config.yaml'), textOf(version));
    }
    await symlink(join(dir, 'v1'), join(dir, 'data'));
    const { taken, look, stop } = await watch(join(dir, 'data', 'config.yaml'));
    await look();
    await symlink(join(dir, 'v2'), join(dir, 'next'));
    await rename(join(dir, 'next'), join(dir, 'data'));
    await look();
    expect(taken).toEqual([2]);
    stop();
    await unlink(join(dir, 'data'));
  });
});
