/** Which AWS a process looks at, told to those who open sessions there as themselves. Holds nothing secret. */
export interface About {
  /** `real`, or the URL of a simulated AWS on that machine. */
  readonly aws: string;
  /** Of Bastions that name none. */
  readonly region: string;
  readonly installation: string;
  /** Left out by a process that has not asked AWS. */
  readonly accountId?: string | undefined;
}
