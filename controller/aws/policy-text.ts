/** Condition keys with their values; a list for a key that holds several, as `aws:TagKeys` does, even if it holds but one now. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>;

/** Whether the text matches a pattern of IAM's, in which `*` stands for anything and `?` for one character. */
export function matchesPattern(pattern: string, text: string, ignoreCase: boolean): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, ignoreCase ? 'is' : 's').test(text);
}

/** Policies write a list of one as that one. */
export function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((entry) => typeof entry === 'string');
}
