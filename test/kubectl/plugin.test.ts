import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../e2e/build.ts';
import { useBed, writeKubeconfig } from './bed.ts';
import { createKubectl, done, type Kubectl } from './kubectl.ts';
import { BASTION, make, named, ready } from './manifests.ts';

const bed = useBed({
  preview: async (bastions) => ({ installation: 'test', bastions: bastions ?? 'stored' }),
});

let folder: string;

/** Programs of this project as they are installed: by their names on the PATH. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bastion-kubectl-bin-'));
  const loader = import.meta.resolve('tsx');
  for (const name of ['bastionctl', 'kubectl-bastion']) {
    const script = `#!/bin/sh\nexec '${process.execPath}' --import '${loader}' '${join(ROOT, 'controller', `${name}.ts`)}' "$@"\n`;
    await writeFile(join(folder, name), script, { mode: 0o755 });
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function person(namespace = 'default'): Promise<Kubectl & { home: string }> {
  const home = await mkdtemp(join(folder, 'home-'));
  await writeKubeconfig(home, { server: bed().url }, {}, namespace);
  return { ...createKubectl({ folder: home, path: folder }), home };
}

describe('kubectl bastion', () => {
  test('is found as a plugin', async () => {
    const { run } = await person();
    const { code, stdout } = await run('plugin list');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toContain(`${folder}/kubectl-bastion`);
  });
});
