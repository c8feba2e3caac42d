import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { isRecord } from './json.ts';
import type { StructuralSchema, ValidationRule } from './structural-schema.ts';

export interface CompiledRule {
  readonly source: ValidationRule;
  /** A transition rule: it runs on updates only. */
  readonly usesOld: boolean;
  /** The paths below `self` that the rule looks at; the empty path is `self` as a whole. */
  readonly reads: readonly (readonly string[])[];
  /** Undefined when the rule holds, otherwise why it does not. @throws EvaluationError */
  evaluate(self: unknown, oldSelf?: unknown): string | undefined;
}

/** The functions Kubernetes adds to CEL's own and the library lacks. */
function createEnvironment(): Environment {
  return new Environment({ homogeneousAggregateLiterals: false })
    .registerVariable('self', 'dyn')
    .registerVariable('oldSelf', 'dyn')
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      text.replaceAll(from, () => to),
    )
    .registerFunction('string.charAt(int): string', (text: string, at: bigint) => text.charAt(Number(at)))
    .registerFunction('string.find(string): string', (text: string, pattern: string) => {
      return new RegExp(pattern, 'u').exec(text)?.[0] ?? '';
    })
    .registerFunction('list.isSorted(): bool', (list: readonly (bigint | number | string)[]) =>
      list.every((item, index) => index === 0 || (list[index - 1] ?? item) <= item),
    )
    .registerFunction('list.indexOf(dyn): int', (list: readonly unknown[], item: unknown) =>
      BigInt(list.indexOf(item)),
    )
    .registerFunction('list.sum(): dyn', (list: readonly bigint[]) => list.reduce((a, b) => a + b, 0n));
}

let environment: Environment | undefined;

/** @throws Error when the rule is no CEL that a Kubernetes API server would take. */
export function compileRule(source: ValidationRule): CompiledRule {
  environment ??= createEnvironment();
  const rule = environment.parse(source.rule);
  const checked = rule.check();
  if (!checked.valid) throw new Error(`CEL rule ${source.rule}: ${checked.error?.message ?? 'invalid'}`);
  const messageExpression =
    source.messageExpression === undefined ? undefined : environment.parse(source.messageExpression);
  const reads: string[][] = [];
  const usesOld = collectReads(rule.ast, reads);
  const evaluate = (self: unknown, oldSelf?: unknown) => {
    if (rule({ self, oldSelf }) === true) return undefined;
    const text: unknown = messageExpression?.({ self, oldSelf });
    return typeof text === 'string' ? text : (source.message ?? `failed rule: ${source.rule}`);
  };
  return { source, usesOld, reads, evaluate };
}

/** Adds every path read below `self` to `reads`; answers whether `oldSelf` is used. */
function collectReads(part: unknown, reads: string[][]): boolean {
  if (Array.isArray(part)) return part.map((item) => collectReads(item, reads)).includes(true);
  if (!isNode(part)) return false;
  const path = selfPath(part);
  if (path) {
    reads.push(path);
    return false;
  }
  if (part.op === 'id') return part.args === 'oldSelf';
  return collectReads(part.args, reads);
}

function selfPath(node: ASTNode): string[] | undefined {
  if (node.op === 'id') return node.args === 'self' ? [] : undefined;
  if (node.op !== '.') return undefined;
  const [base, name] = node.args;
  const path = selfPath(base);
  return path && [...path, name];
}

function isNode(part: unknown): part is ASTNode {
  return isRecord(part) && typeof part['op'] === 'string' && 'args' in part;
}

/** A JSON value as CEL sees it under its schema: int64 for integers, timestamps for date-times. */
export function toCel(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = schema.items ?? {};
    return value.map((item) => toCel(items, item));
  }
  if (isRecord(value)) {
    const entries = Object.entries(value).map(([name, item]) => {
      return [name, toCel(schema.properties?.[name] ?? schema.additionalProperties ?? {}, item)];
    });
    return Object.fromEntries(entries);
  }
  if (schema.type === 'integer' && Number.isInteger(value)) return BigInt(Number(value));
  if (schema.format === 'date-time' && typeof value === 'string') return new Date(value);
  return value;
}
