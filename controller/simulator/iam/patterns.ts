/** Condition keys with their values; a list for a key that holds several, as `aws:TagKeys` does, even if it holds but one now. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>;

/** Whether the text matches a pattern of IAM's, in which `*` stands for anything and `?` for one character. */
export function matchesPattern(pattern: string, text: string, ignoreCase: boolean): boolean {
  if (ignoreCase) return matchesPattern(pattern.toLowerCase(), text.toLowerCase(), false);
  const [head = '', ...parts] = pattern.split('*');
  if (!startsWith(text, head, 0)) return false;
  let at = head.length;
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const from = isLast ? Math.max(at, text.length - part.length) : at;
    const found = placeOf(part, text, from);
    if (found < at || (isLast && found + part.length !== text.length)) return false;
    at = found + part.length;
  }
  return parts.length > 0 || at === text.length;
}

/** The first place from `from` on where a part without `*` fits; -1 where there is none. */
function placeOf(part: string, text: string, from: number): number {
  for (let at = from; at + part.length <= text.length; at++) if (startsWith(text, part, at)) return at;
  return -1;
}

function startsWith(text: string, part: string, at: number): boolean {
  if (at + part.length > text.length) return false;
  return part.split('').every((character, index) => character === '?' || character === text[at + index]);
}

/** Policies write a list of one as that one. */
export function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((entry) => typeof entry === 'string');
}
