/** A bug put into the controller on purpose: a harness that does not see it would not see its like either. */
export interface Canary {
  readonly name: string;
  /** Of which kind of controller this is a bug. */
  readonly like: string;
  /** Under controller/. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Where it shows soonest; all the others are tried after these. */
  readonly scenarios: readonly string[];
  /** What brings it out, when it needs something to go wrong. */
  readonly faults?: readonly string[];
  /** At which calls, such as `ecs:RunTask`; anywhere unless said. */
  readonly calls?: readonly string[];
}
