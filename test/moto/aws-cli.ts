import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VENV = fileURLToPath(new URL('../../.venv-moto/aws', import.meta.url));
const OWN = join(VENV, 'bin', 'aws');

/** The folder of AWS's own command line where the machine has none. Apart from moto, which needs other versions of its parts. */
export function awsCliFolder(): string | undefined {
  if (runs('aws')) return undefined;
  if (!existsSync(OWN)) {
    const quiet = { stdio: 'ignore' } as const;
    if (!existsSync(VENV)) execFileSync('python3', ['-m', 'venv', VENV], quiet);
    execFileSync(join(VENV, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', 'awscli==1.*'], quiet);
  }
  if (!runs(OWN)) throw new Error(`${OWN} does not run: remove .venv-moto/aws and try again`);
  return dirname(OWN);
}

function runs(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
