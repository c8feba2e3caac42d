// Prints the bill of materials of what is installed without development dependencies, as CycloneDX: `node scripts/sbom.mjs`
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/*
 * The whole list, less what only development needs. `--omit=dev` would leave out too much: also what production
 * needs, such as ws, when a development dependency needs it as well.
 */
const { stdout, stderr, status, error } = spawnSync('npm', ['sbom', '--sbom-format=cyclonedx'], {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
if (error) throw error;
if (status !== 0) throw new Error(`npm sbom failed: ${stderr}`);

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
/** The store's engine comes as a package for each platform, of which npm installs one. */
const isOfAnotherPlatform = (path, { optional }) =>
  optional && !existsSync(new URL(`../${path}`, import.meta.url));
const shipped = new Set(
  Object.entries(packages)
    .filter(([path, entry]) => path !== '' && !entry.dev && !isOfAnotherPlatform(path, entry))
    .map(([path, entry]) => `${entry.name ?? path.split('node_modules/').at(-1)}@${entry.version}`),
);
const bill = JSON.parse(stdout);
const isKept = (reference) => shipped.has(reference) || reference === bill.metadata.component['bom-ref'];
const components = bill.components.filter(({ name, version }) => shipped.has(`${name}@${version}`));
const dependencies = bill.dependencies
  .filter(({ ref }) => isKept(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(isKept) }));

const missing = shipped.size - new Set(components.map(({ name, version }) => `${name}@${version}`)).size;
if (missing > 0) throw new Error(`${missing} locked packages are not installed: run npm ci first`);
console.log(JSON.stringify({ ...bill, components, dependencies }, null, 2));
