import { type Bastion, type ConditionType, condition } from '../api/bastion.ts';
import { evaluatePath, parsePath, showFound } from '../machinery/jsonpath.ts';
import { CliError } from './failure.ts';

/** What `wait --for` asks of a Bastion; undefined stands for one that does not exist. */
export interface Requirement {
  readonly forDelete: boolean;
  isMet(bastion: Bastion | undefined): boolean;
}

const USAGE =
  "allowed: condition=Ready, condition=Ready=False, delete, or jsonpath='{.status.phase}'=Expired";

/** @throws CliError */
export function parseFor(text: string): Requirement {
  if (text === 'delete') return { forDelete: true, isMet: (bastion) => bastion === undefined };
  const conditionParts = /^condition=([^=]+)(?:=(.+))?$/.exec(text);
  if (conditionParts) return forCondition(conditionParts[1] ?? '', conditionParts[2] ?? 'True');
  const jsonpath = /^jsonpath=(\{.*\}|[^=]+)(?:=(.*))?$/s.exec(text);
  if (jsonpath) return forPath(jsonpath[1] ?? '', jsonpath[2]);
  throw new CliError(`unrecognized condition: "${text}"`, USAGE);
}

const TYPES: readonly ConditionType[] = [
  'Accepted',
  'NetworkReady',
  'IdentityReady',
  'TaskRunning',
  'Ready',
  'EndScheduled',
  'InUse',
  'TornDown',
  'SourceSynced',
  'Withheld',
];

function forCondition(name: string, status: string): Requirement {
  const type = TYPES.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  if (!type) throw new CliError(`unknown condition "${name}"`, `the conditions are ${TYPES.join(', ')}`);
  return {
    forDelete: false,
    isMet(bastion) {
      const found = bastion && condition(bastion, type);
      if (!bastion || !found) return false;
      // A condition of an older spec says nothing about this one.
      const isCurrent =
        (found.observedGeneration ?? bastion.metadata.generation) >= bastion.metadata.generation;
      return isCurrent && found.status.toLowerCase() === status.toLowerCase();
    },
  };
}

function forPath(text: string, wanted: string | undefined): Requirement {
  const path = parsePath(text);
  return {
    forDelete: false,
    isMet(bastion) {
      const found = bastion === undefined ? [] : evaluatePath(path, bastion);
      if (wanted === undefined) return found.length > 0;
      return found.length === 1 && showFound(found[0]) === wanted;
    },
  };
}
