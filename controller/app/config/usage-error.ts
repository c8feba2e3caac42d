/** The person who started the program has to change something; the message says what. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
