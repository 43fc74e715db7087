/** Caps with exact counts: a report too big for its reader is cut at a number of rows, and says what was left out (F43). The heaviest rows stay. */
import { type ConnectionColumns, takeRows } from "@conntrail/model";
import type { RawReport } from "./raw-report.ts";

/** An encoder's cap. */
export interface LimitOption {
  /** Rows at the most; undefined: all of them. */
  readonly limit?: number | undefined;
  /** The rows are in the order that their reader asked for: they are told in it, and a limit keeps the first. Default false: it keeps the heaviest. */
  readonly sorted?: boolean | undefined;
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

/** A report whose first rows are those that the limit keeps: by weight, most bytes, then most connections, then the latest. They keep their order. */
export function heaviestFirst(raw: RawReport, options: LimitOption): RawReport {
  const { columns } = raw;
  const shown = shownRows(columns.length, options);
  if (shown >= columns.length || options.sorted === true) return raw;
  const { originalBytes, replyBytes, count, lastSeenMs } = columns;
  const rows = Uint32Array.from({ length: columns.length }, (_, row) => row);
  const bytes = Float64Array.from(rows, (row) => Math.max(0, originalBytes[row]!) + Math.max(0, replyBytes[row]!));
  rows.sort(
    (a, b) =>
      bytes[b]! - bytes[a]! || count[b]! - count[a]! || number(lastSeenMs[b]!) - number(lastSeenMs[a]!) || a - b,
  );
  rows.subarray(0, shown).sort();
  return { ...raw, columns: takeRows(columns, rows) };
}

/** A report with no more rows than a limit: the heaviest, and what was left out. */
export function limitRows<T extends RawReport>(report: T, limit: number): T {
  const raw = heaviestFirst(report, { limit });
  const shown = shownRows(raw.columns.length, { limit });
  const elided = elidedRows(raw.columns, shown);
  if (elided === undefined) return report;
  const rows = Uint32Array.from({ length: shown }, (_, row) => row);
  return { ...report, columns: takeRows(raw.columns, rows), elided };
}

/** What two caps left out, one behind the other. */
export function bothElided(one: Elided | undefined, other: Elided | undefined): Elided | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return { rows: one.rows + other.rows, connections: one.connections + other.connections };
}

/** What is left out when only the first `shown` rows are told; undefined when nothing is. */
export function elidedRows(columns: ConnectionColumns, shown: number): Elided | undefined {
  if (shown >= columns.length) return undefined;
  let connections = 0;
  for (let row = shown; row < columns.length; row++) connections += columns.count[row]!;
  return { rows: columns.length - shown, connections };
}

/** A time that is no number compares as the beginning of time. */
function number(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
