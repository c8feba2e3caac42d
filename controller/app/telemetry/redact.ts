/** In place of what nobody may read. */
const HIDDEN = '***';

/** Fields whose value is a secret whatever it looks like. */
const SECRET_NAME =
  /^(authorization|cookie|password|passwd|secret|token|credentials?|private-?key)$|(secret|password|session-?token|token-?value|access-?token|activation-?code|secret-?access-?key)/i;

/** What is a secret wherever it stands: who it is said by what is around it, so that ids, hashes and ARNs stay as they are. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // https://user:password@host, and a token in place of the user.
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^/@\s"']+@/gi, `$1${HIDDEN}@`],
  [/\b(bearer|basic) +[\w.~+/-]{8,}=*/gi, `$1 ${HIDDEN}`],
  // In a query, a header, JSON or a sentence.
  [
    /\b((?:aws_?)?(?:secret_?access_?key|session_?token)|token_?value|activation_?code|x-amz-(?:security-token|signature|credential)|password)(["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi,
    `$1$2${HIDDEN}`,
  ],
];

/** A copy of a log line's fields without secrets, at any depth. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      SECRET_NAME.test(name) && value !== undefined ? HIDDEN : redact(value),
    ]),
  );
}

function redact(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value === 'object' && value !== null) return redactFields(value as Record<string, unknown>);
  return value;
}

export function redactText(text: string): string {
  return PATTERNS.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}
