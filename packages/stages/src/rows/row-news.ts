/** What is noted for those who listen to changes, over all stores whose connections are told together: numbers for connections, and which are no more. */

/** Numbers that are noted as gone; when there are more, only a look at all connections can tell. */
const MOST_LEFT = 262_144;

/** The notes. */
export class RowNews {
  /** The last number that was given to a row. */
  last = 0;
  /** Somebody listens: rows that are touched are noted. */
  on = false;
  /** More has left than can be noted. */
  overflowed = false;
  #left: number[] = [];

  /** Notes that a connection's number is no row's any more. */
  leave(identity: number): void {
    if (!this.on || this.overflowed) return;
    if (this.#left.push(identity) > MOST_LEFT) this.forget(true);
  }

  /** The numbers that have left since the last time. */
  takeLeft(): number[] {
    const left = this.#left;
    this.forget(false);
    return left;
  }

  /** Something has left. */
  get hasLeft(): boolean {
    return this.#left.length > 0 || this.overflowed;
  }

  /** Forgets which have left; `overflowed`: for want of room. */
  forget(overflowed: boolean): void {
    this.#left = [];
    this.overflowed = overflowed;
  }
}
