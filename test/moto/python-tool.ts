import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VENV = fileURLToPath(new URL('../../.venv-moto', import.meta.url));

/** The folder of AWS's own command line where the machine has none. */
export function awsCliFolder(): string | undefined {
  return runs('aws') ? undefined : installed('aws', 'awscli==1.*');
}

/** The program that checks CloudFormation templates, in the version whose rules ours was written by. */
export function cfnLint(): string {
  return join(installed('cfn-lint', 'cfn-lint==1.51.*'), 'cfn-lint');
}

/** A Python that can read HCL. */
export function pythonWithHcl(): string {
  return join(installed('hcl2tojson', 'python-hcl2==8.1.*'), 'python');
}

/** Each apart from moto, which needs other versions of its parts. */
function installed(program: string, requirement: string): string {
  const venv = join(VENV, program);
  const own = join(venv, 'bin', program);
  if (!existsSync(own)) {
    const quiet = { stdio: ['ignore', 'ignore', 'pipe'] as ['ignore', 'ignore', 'pipe'] };
    if (!existsSync(venv)) execFileSync('python3', ['-m', 'venv', venv], quiet);
    execFileSync(join(venv, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', requirement], quiet);
  }
  if (!runs(own)) throw new Error(`${own} does not run: remove ${venv} and try again`);
  return dirname(own);
}

function runs(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
