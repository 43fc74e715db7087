/** What the trace emits: which processes opened and closed connections since the batch before. */
import type { TraceHealth } from "./health.ts";
import type { Owner } from "./socket-table.ts";

/** Traced facts in the order of their moments. Whoever receives a batch owns its rows. */
export interface TraceBatch {
  readonly kind: "trace";
  /** Unix milliseconds up to which everything that was traced has been told, losses aside. */
  readonly timeMs: number;
  readonly count: number;
  /** `count` rows of TRACE_WORDS words (trace-row.ts). The array may be longer than that. */
  readonly rows: Uint32Array;
  /** A stretch of time, Unix milliseconds, of which something may be missing although it was traced; null when there is none. */
  readonly blind: { readonly sinceMs: number; readonly untilMs: number } | null;
  /** What `TRACE.owner` points into (1-based). */
  readonly owners: readonly Owner[];
  readonly health: TraceHealth;
}
