// Who may import whom: `node scripts/imports.mjs` fails where a file of controller/ breaks the map below.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What each room sees besides itself: another room, or one file of it. A file at the top of controller/ is a room of its own. */
const ROOMS = {
  machinery: [],
  api: ['machinery'],
  core: ['machinery', 'api'],
  aws: ['machinery', 'api', 'core'],
  kinds: ['machinery', 'api', 'core', 'aws'],
  store: ['machinery', 'api'],
  client: ['machinery', 'api'],
  tunnel: ['machinery', 'api'],
  sources: ['machinery', 'api', 'store'],
  server: ['machinery', 'api', 'store'],
  http: ['machinery', 'api', 'server'],
  cli: ['machinery', 'api', 'core', 'client'],
  doctor: ['machinery', 'api', 'core', 'aws', 'kinds'],
  reconcile: ['machinery', 'api', 'core', 'aws', 'kinds', 'store'],
  // It judges the others, and must not share their mistakes.
  simulator: ['machinery/clock.ts', 'aws/rates.ts'],
  demo: ['machinery', 'api', 'simulator'],
  app: [
    ...[
      'machinery',
      'api',
      'core',
      'aws',
      'kinds',
      'store',
      'client',
      'tunnel',
      'sources',
      'server',
      'http',
      'cli',
    ],
    ...['doctor', 'reconcile', 'simulator'],
  ],
  'main.ts': ['machinery', 'api', 'app'],
  'bastionctl.ts': ['app'],
  'kubectl-bastion.ts': ['app'],
  'demo.ts': ['machinery', 'api', 'core', 'aws', 'kinds', 'app', 'demo'],
  'simulated-plugin.ts': ['simulator'],
};

/** Which rooms use a package. */
const PACKAGES = {
  '@aws-sdk/': ['aws', 'kinds', 'store'],
  '@bufbuild/protobuf': ['http'],
  '@marcbachmann/cel-js': ['machinery'],
  '@opentelemetry/': ['app'],
  ajv: ['machinery'],
  'classic-level': ['store'],
  commander: ['cli', 'app', 'main.ts', 'demo.ts'],
  croner: ['api', 'core'],
  'fastest-levenshtein': ['machinery'],
  fastify: ['http', 'app'],
  'js-yaml': ['machinery', 'api', 'client', 'http'],
  libsql: ['store'],
  'node-cron': ['app'],
  'p-limit': ['aws', 'kinds', 'reconcile'],
  picocolors: ['cli', 'demo'],
  'prom-client': ['app'],
  rfc6902: ['server'],
  'simple-git': ['sources', 'demo'],
  ws: ['http', 'client', 'simulator'],
};

const KINDS_INDEX = 'kinds/index.ts';
/** What every kind is. */
const KIND = 'kinds/kind.ts';

/**
 * @param {ReadonlyMap<string, string>} files texts by their path below controller/
 * @returns {string[]} what breaks the map, a line each
 */
export function faultsOf(files) {
  const graph = new Map([...files].map(([path, text]) => [path, importsOf(path, text)]));
  return [...directionFaults(graph), ...kindFaults(graph), ...circlesOf(graph)];
}

/** As the formatter writes them: statements at the beginning of a line, and calls anywhere. */
const IMPORTS = /^(?:import|export)\b[^;'`]*?\bfrom '([^']+)';|^import '([^']+)';|\bimport\('([^']+)'\)/gm;

/** Types count, and so do files that are loaded later. */
function importsOf(path, text) {
  const names = [...text.matchAll(IMPORTS)].map(([, from, bare, call]) => from ?? bare ?? call);
  return {
    inside: names.filter(isRelative).map((name) => normalize(join(dirname(path), name))),
    packages: names.filter((name) => !isRelative(name) && !name.startsWith('node:')),
  };
}

function isRelative(name) {
  return name.startsWith('.');
}

function roomOf(path) {
  return path.split('/')[0] ?? path;
}

function directionFaults(graph) {
  const faults = [];
  for (const [path, { inside, packages }] of graph) {
    const room = roomOf(path);
    const seen = ROOMS[room];
    if (!seen) {
      faults.push(`${path}: ${room} is no room of the map; say in scripts/imports.mjs what it sees`);
      continue;
    }
    for (const target of inside) {
      const isSeen = roomOf(target) === room || seen.includes(roomOf(target)) || seen.includes(target);
      // What is outside controller/ is the manifest of the package.
      if (!isSeen && !target.startsWith('..'))
        faults.push(`${path} imports ${target}: ${room} sees ${['itself', ...seen].join(', ')}`);
    }
    for (const name of packages) {
      const users = Object.entries(PACKAGES).find(
        ([one]) => name === one || name.startsWith(one.replace(/\/?$/, '/')),
      );
      if (!users?.[1].includes(room))
        faults.push(`${path} imports ${name}: ${users ? `for ${users[1].join(', ')}` : 'no room uses it'}`);
    }
  }
  return faults;
}

/** What the index names is a kind of its own: another one names its resources by their keys (core/key.ts). */
function kindFaults(graph) {
  const kinds = new Set(
    graph.get(KINDS_INDEX)?.inside.filter((path) => roomOf(path) === 'kinds' && path !== KIND),
  );
  return [...graph].flatMap(([path, { inside }]) =>
    roomOf(path) !== 'kinds' || path === KINDS_INDEX
      ? []
      : inside
          .filter((target) => kinds.has(target))
          .map((target) => `${path} imports ${target}: kinds never import each other`),
  );
}

/** Tarjan's strongly connected components of more than one file. */
function circlesOf(graph) {
  const order = new Map();
  const lowest = new Map();
  const stack = [];
  const circles = [];
  const visit = (path) => {
    order.set(path, order.size);
    lowest.set(path, order.get(path));
    stack.push(path);
    for (const next of graph.get(path)?.inside ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(path, Math.min(lowest.get(path), lowest.get(next)));
    }
    if (lowest.get(path) !== order.get(path)) return;
    const circle = stack.splice(stack.indexOf(path)).sort();
    if (circle.length > 1) circles.push(`${circle.join(', ')} import each other in a circle`);
  };
  for (const path of graph.keys()) if (!order.has(path)) visit(path);
  return circles;
}

/** @returns {Map<string, string>} */
export function readController() {
  const root = fileURLToPath(new URL('../controller', import.meta.url));
  const paths = readdirSync(root, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.ts'));
  return new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = readController();
  const faults = faultsOf(files);
  for (const fault of faults) console.error(fault);
  console.log(`${files.size} files, ${faults.length} imports against the map`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
