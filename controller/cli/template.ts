import { evaluatePath, type Path, parsePath, showFound } from '../machinery/jsonpath.ts';
import { CliError } from './failure.ts';

type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'path'; readonly path: Path }
  | { readonly type: 'range'; readonly path: Path; readonly parts: readonly Part[] };

const TOKEN = /\{((?:[^{}"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*)\}|[^{]+|\{/gs;

/** A kubectl jsonpath template: `{.items[*].metadata.name}`, `{range .items[*]}…{end}`, `{"\n"}`. @throws CliError */
export function parseTemplate(text: string): (root: unknown) => string {
  const source = text.includes('{') ? text : `{${text}}`;
  const stack: { readonly path?: Path; readonly parts: Part[] }[] = [{ parts: [] }];
  const push = (part: Part) => void stack.at(-1)?.parts.push(part);
  for (const [token, inner] of source.matchAll(TOKEN)) {
    if (token === '{') throw new CliError(`jsonpath "${text}": a { is never closed`);
    if (inner === undefined) push({ type: 'text', text: token });
    else readAction(inner.trim(), text, stack, push);
  }
  const [root] = stack;
  if (!root || stack.length > 1) throw new CliError(`jsonpath "${text}": {range} without {end}`);
  return (value) => renderParts(root.parts, value);
}

function readAction(
  action: string,
  text: string,
  stack: { readonly path?: Path; readonly parts: Part[] }[],
  push: (part: Part) => void,
): void {
  const literal = /^(["'])(.*)\1$/s.exec(action);
  const range = /^range\s+(.+)$/s.exec(action);
  if (literal) {
    push({ type: 'text', text: unquote(literal[2] ?? '') });
  } else if (range) {
    stack.push({ path: parsePath(range[1] ?? ''), parts: [] });
  } else if (action === 'end') {
    const closed = stack.length > 1 ? stack.pop() : undefined;
    if (!closed?.path) throw new CliError(`jsonpath "${text}": {end} without {range}`);
    push({ type: 'range', path: closed.path, parts: closed.parts });
  } else {
    push({ type: 'path', path: parsePath(action.replace(/^@/, '')) });
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unquote(text: string): string {
  return text.replace(/\\(.)/gs, (_, character: string) => ESCAPES[character] ?? character);
}

function renderParts(parts: readonly Part[], value: unknown): string {
  return parts.map((part) => renderPart(part, value)).join('');
}

function renderPart(part: Part, value: unknown): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'path':
      return evaluatePath(part.path, value).map(showFound).join(' ');
    case 'range':
      return evaluatePath(part.path, value)
        .map((item) => renderParts(part.parts, item))
        .join('');
  }
}
