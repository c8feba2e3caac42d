import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = new URL('../../', import.meta.url);
/** As deep below the root as the sources of the controller, which find files beside them by relative paths. */
const FOLDER = new URL('node_modules/.cache/', ROOT);

/** For who runs it: histories are short-lived garbage, and with room for the young little of it is ever moved. */
export const NODE_FLAGS = ['--max-semi-space-size=64'];

/** One change in the text of one module. */
export interface Change {
  readonly name: string;
  /** Under controller/. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Bundle {
  readonly path: string;
  remove(): Promise<void>;
}

let bundles = 0;

/**
 * A program of this folder as one file: it starts at once, and a history costs a seventh less than with a loader that gives each
 * function its name. @throws Error when the changed module is not part of the program
 */
export async function bundle(program: string, change?: Change): Promise<Bundle> {
  await mkdir(FOLDER, { recursive: true });
  const path = fileURLToPath(new URL(`simulation-${process.pid}-${++bundles}.mjs`, FOLDER));
  const changed = change && changing(change);
  await build({
    entryPoints: [fileURLToPath(new URL(program, import.meta.url))],
    outfile: path,
    ...{ bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20' },
    ...{ logLevel: 'error', plugins: changed ? [changed.plugin] : [] },
  });
  if (changed && !changed.isLoaded())
    throw new Error(`canary ${change?.name}: ${change?.file} is not part of what runs here`);
  return { path, remove: () => rm(path, { force: true }) };
}

function changing({ name, file, find, replace }: Change): { plugin: Plugin; isLoaded: () => boolean } {
  const path = fileURLToPath(new URL(`controller/${file}`, ROOT));
  let isLoaded = false;
  const load = () => {
    const parts = readFileSync(path, 'utf8').split(find);
    if (parts.length !== 2) throw new Error(`canary ${name}: found ${parts.length - 1} times in ${file}`);
    isLoaded = true;
    return { contents: parts.join(replace), loader: 'ts' as const };
  };
  const filter = new RegExp(`^${path.replace(/[^\w/]/g, '\\$&')}$`);
  const plugin: Plugin = { name: 'change', setup: (building) => building.onLoad({ filter }, load) };
  return { plugin, isLoaded: () => isLoaded };
}
