/** What a source serves is more than is taken of it. Nothing of it is applied; the message says what is too much, and what to do. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}
