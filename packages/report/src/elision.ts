/** Caps with exact counts: a report too big for its reader is cut at a number of rows, and says what was left out (F43). */
import type { ConnectionColumns } from "@conntrail/model";

/** An encoder's cap. */
export interface LimitOption {
  /** Rows at the most; undefined: all of them. */
  readonly limit?: number | undefined;
}

/** What a cap left out. */
export interface Elided {
  /** Rows. */
  readonly rows: number;
  /** Connections they stand for: the sum of their `count`. */
  readonly connections: number;
}

/** How many of `length` rows to show. Throws `RangeError` unless the limit is a whole number from 0, or Infinity. */
export function shownRows(length: number, { limit = Number.POSITIVE_INFINITY }: LimitOption): number {
  if (!(limit === Number.POSITIVE_INFINITY || (Number.isInteger(limit) && limit >= 0))) {
    throw new RangeError(`limit: expected a whole number from 0, got ${limit}`);
  }
  return Math.min(length, limit);
}

/** What is left out when only the first `shown` rows are told; undefined when nothing is. `order` says which row comes when. */
export function elidedRows(columns: ConnectionColumns, shown: number, order?: Uint32Array): Elided | undefined {
  if (shown >= columns.length) return undefined;
  let connections = 0;
  for (let i = shown; i < columns.length; i++) connections += columns.count[order === undefined ? i : order[i]!]!;
  return { rows: columns.length - shown, connections };
}
