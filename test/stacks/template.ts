import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { ROOT } from '../e2e/build.ts';

export interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

export interface Template {
  readonly Parameters: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, unknown>>;
}

/** The CloudFormation template as plain data: `!Sub` is its text with `<Name>` for what it fills in, `!Ref` and `!GetAtt` what they name, `!If` its list. */
export function readTemplate(): Template {
  const text = readFileSync(join(ROOT, 'deploy/cloudformation/bastion-operator.yaml'), 'utf8');
  const plain = text
    .replace(/!(Ref|GetAtt) ([\w:.]+)/g, '"<$2>"')
    .replace(/!(Sub|If|Not|Equals) /g, '')
    .replace(/\$\{([\w:.]+)\}/g, '<$1>');
  return load(plain) as Template;
}

export function readPolicy(file: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, 'deploy/iam', file), 'utf8'));
}

/** As the documents in deploy/iam are written: for AWS's usual partition. */
export function usualPartition(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('arn:<AWS::Partition>:', 'arn:aws:'));
}
