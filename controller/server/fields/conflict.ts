/** A field that an apply would change although another manager owns it. */
export interface Conflict {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource?: string;
  /** Such as `.spec.targets[name="orders"].port`. */
  readonly field: string;
}
