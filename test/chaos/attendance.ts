/** When some controller was there to do its work, unhindered. */
export class Attendance {
  readonly #absences: { readonly from: number; to: number }[] = [];
  #isThere = false;

  note(isThere: boolean, now: number): void {
    const latest = this.#absences.at(-1);
    if (isThere) {
      if (!this.#isThere && latest) latest.to = now;
    } else if (this.#isThere || !latest) this.#absences.push({ from: now, to: Number.POSITIVE_INFINITY });
    this.#isThere = isThere;
  }

  /** Without a gap. */
  isAttended(from: number, to: number): boolean {
    return !this.#absences.some((absence) => absence.from < to && absence.to > from);
  }
}
