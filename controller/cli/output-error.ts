/** What was to be said could not be written, or not all of it: whatever else went well, the command has failed. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
  /** Another program that has seen enough (`| head`). */
  readonly isReaderGone: boolean;
  constructor(message: string, { isReaderGone }: { readonly isReaderGone: boolean }) {
    super(message);
    this.isReaderGone = isReaderGone;
  }
}
