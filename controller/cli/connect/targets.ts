import type { Bastion } from '../../api/bastion.ts';
import { localPorts, type Target, targetsOf } from '../../api/target.ts';
import { suggest } from '../../machinery/suggest.ts';
import { CliError } from '../failure.ts';
import { command, type Naming } from './life.ts';

/** What of a Bastion somebody wants to reach. */
export interface Wanted {
  readonly target?: string | undefined;
  readonly all: boolean;
  readonly shell: boolean;
  readonly localPort?: number | undefined;
}

/** Names of targets; none means a shell. */
export type Choice = readonly string[];

/** Without a word about which: the only one there is, or a shell where there is none. @throws CliError */
export function chooseTargets({ spec }: Bastion, wanted: Wanted, naming: Naming): Choice {
  const names = spec.targets.map(({ name }) => name);
  const list = names.length === 0 ? 'it has none' : `its targets are ${names.join(', ')}`;
  if (wanted.shell) return [];
  if (wanted.target !== undefined) {
    if (names.includes(wanted.target)) return [wanted.target];
    const near = suggest(wanted.target, names);
    const hint = near === undefined ? list : `did you mean ${near}? ${list}`;
    throw new CliError(`bastion "${naming.name}" has no target "${wanted.target}"`, hint);
  }
  if (wanted.all && names.length === 0) {
    throw new CliError(
      `bastion "${naming.name}" has no targets`,
      `open a shell: ${command('connect', naming)} --shell`,
    );
  }
  if (wanted.all || names.length <= 1) return names;
  throw new CliError(
    `bastion "${naming.name}" has several targets: ${names.join(', ')}`,
    `name one: bastionctl connect ${naming.name} ${names[0]}; or open all of them: ${command('connect', naming)} --all`,
  );
}

export interface ChosenPort {
  readonly target: Target;
  readonly localPort: number;
}

/** Where each chosen one is, once the Bastion is Ready. @throws CliError for one whose address is not known */
export function portsOf(
  bastion: Bastion,
  choice: Choice,
  { localPort }: Wanted,
  naming: Naming,
): ChosenPort[] {
  const targets = targetsOf(bastion);
  const usual = localPorts(targets);
  return choice.map((name) => {
    const target = targets.find((candidate) => candidate.name === name);
    if (target) return { target, localPort: localPort ?? usual.get(name) ?? 0 };
    throw new CliError(
      `the address of target "${name}" is not known yet`,
      `see why: ${command('describe bastion', naming)}`,
    );
  });
}
