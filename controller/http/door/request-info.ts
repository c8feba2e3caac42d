/** Who a request comes from. */
export interface Caller {
  readonly name: string;
  readonly groups: readonly string[];
}

/** What a request is about, for the details of a failure. */
export interface Subject {
  /** Empty for the core group. */
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  readonly name?: string | undefined;
}
