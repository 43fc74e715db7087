/**
 * Ends that several rows have in common within one reading (a port is used again, on the loopback after a second), so that the moments alone do not tell
 * which fact is whose. Their order does: a connection is opened once, and an end closed once, so as many facts as rows are theirs one by one.
 */

/** A row's end about which several facts can be. */
export interface Doubt {
  readonly row: number;
  readonly isFrom: boolean;
  /** Of two rows that were first seen at the same moment, the one with the lower id began first. */
  readonly id: number;
  readonly firstSeenMs: number;
  /** Whose it is, is known; which of several facts is its own, is not. */
  readonly isKnown?: boolean;
}

/** So many rows with the same ends in one report are told apart; of more nobody is named. */
const MOST_ALIKE = 64;

/** The doubts of one report. */
export class SameEnds {
  readonly #groups = new Map<string, Doubt[]>();

  /** Adds one; `ends` is the same for those that are to be told apart. */
  add(ends: string, doubt: Doubt): void {
    const group = this.#groups.get(ends);
    if (group === undefined) this.#groups.set(ends, [doubt]);
    else group.push(doubt);
  }

  /**
   * Each doubt with its fact, or with 0 where the order does not tell either. `factsOf` gives the facts that can be about a row and are no other row's,
   * the oldest first.
   */
  *resolve(factsOf: (doubt: Doubt) => readonly number[]): Generator<readonly [Doubt, number]> {
    for (const group of this.#groups.values()) {
      const rows = group.sort((a, b) => a.firstSeenMs - b.firstSeenMs || a.id - b.id);
      const facts = rows.length > MOST_ALIKE ? undefined : inOrder(rows.map(factsOf));
      for (const [i, doubt] of rows.entries()) yield [doubt, facts?.[i] ?? 0];
    }
    this.#groups.clear();
  }
}

/** One fact for each row, when all facts are as many as the rows and each can be that of its row. */
function inOrder(factsOf: readonly (readonly number[])[]): readonly number[] | undefined {
  const all = [...new Set(factsOf.flat())].sort((a, b) => a - b);
  return all.length === factsOf.length && all.every((fact, i) => factsOf[i]!.includes(fact)) ? all : undefined;
}
