/** A list whose elements are not called `member` on the wire. */
export class ListOf {
  readonly element: string;
  readonly items: readonly unknown[];

  constructor(element: string, items: readonly unknown[]) {
    this.element = element;
    this.items = items;
  }
}
