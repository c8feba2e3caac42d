// Holds the licence of each production dependency against the list below: `node scripts/licences.mjs [LOCK-FILE]`
import { readFileSync } from 'node:fs';

/** Those that are in use today. Another one is a decision of people: add it here once it is taken. */
const ALLOWED = new Set(['0BSD', 'Apache-2.0', 'BSD-3-Clause', 'ISC', 'MIT', 'PSF-2.0']);

const file = process.argv[2] ?? new URL('../package-lock.json', import.meta.url);
const dependencies = production(JSON.parse(readFileSync(file, 'utf8')).packages ?? {});
if (dependencies.length === 0) throw new Error(`${file} lists no production dependency: is it a lock file?`);

const refused = dependencies.filter(({ licence }) => !isAllowed(licence));
for (const { name, version, licence } of refused) {
  console.error(`${name} ${version} has the licence ${licence ?? '(none stated)'}, which is not allowed`);
}
if (refused.length > 0) {
  console.error('Take another package, or decide for that licence and add it to scripts/licences.mjs.');
  process.exitCode = 1;
} else {
  for (const [licence, count] of counts(dependencies)) console.log(`${String(count).padStart(4)} ${licence}`);
}

/** What an installation without development dependencies may hold, each name and version once. */
function production(packages) {
  const found = new Map();
  for (const [path, entry] of Object.entries(packages)) {
    if (path === '' || entry.dev || entry.link) continue;
    const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    found.set(`${name}@${entry.version}`, { name, version: entry.version, licence: entry.license });
  }
  return [...found.values()];
}

/** All of an AND must be allowed, one of an OR is enough; what is written more intricately is refused, to be looked at. */
function isAllowed(expression) {
  if (typeof expression !== 'string') return false;
  const plain = expression.replace(/^\((.*)\)$/, '$1');
  if (plain.includes(' AND ') && plain.includes(' OR ')) return false;
  if (plain.includes(' OR ')) return plain.split(' OR ').some((licence) => ALLOWED.has(licence));
  return plain.split(' AND ').every((licence) => ALLOWED.has(licence));
}

function counts(list) {
  const byLicence = new Map();
  for (const { licence } of list) byLicence.set(licence, (byLicence.get(licence) ?? 0) + 1);
  return [...byLicence].sort(([a], [b]) => a.localeCompare(b));
}
