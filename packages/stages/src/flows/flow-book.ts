/** The flows that conntrack told of: what take-batch.ts fills, closings/ ends, and joins, chains and reports read and mark. */
import { FLOW } from "@conntrail/model";
import type { Row } from "../rows/row.ts";
import type { RowNews } from "../rows/row-news.ts";
import { Aggregates } from "./aggregates.ts";
import { FlowRows } from "./flow-rows.ts";

/** Limits of the book. */
export interface FlowLimits {
  /** Flows that are alive. */
  readonly live: number;
  /** Closed flows that were not told yet. */
  readonly closed: number;
  /** Aggregated rows for closed flows beyond that. */
  readonly aggregates: number;
  /** Closed flows that were told, kept until a socket table is younger than their end. */
  readonly silent: number;
}

/** Rows that a list of new ones may have: beyond that, walking all of them costs no more. */
export const MAX_FRESH = 65_536;

/** The book. */
export interface FlowBook {
  readonly rows: FlowRows;
  readonly aggregates: Aggregates;
  readonly limits: FlowLimits;
  /** Rows that are alive, and rows that are closed and not told. */
  live: number;
  closed: number;
  /** Rows that are closed and told, oldest first. */
  readonly silent: Row[];
  /** Rows that are alive and whose entry is gone; some may have ended since. */
  readonly entryless: Row[];
  /** Rows that the latest table was joined with, and whose sockets an earlier one had and it has not. */
  readonly vanished: Row[];
  /** Rows that came since the last settling; some may be gone again. When there are more than MAX_FRESH, the rest is not noted. */
  readonly fresh: Row[];
  /** Rows of whose wires something may now be otherwise: they ended, left a connection, or their ends are elsewhere. As for `fresh`. */
  readonly touched: Row[];
  /** Rows per network namespace. */
  readonly perNamespace: Map<number, number>;
  /** Flows that ever came. */
  births: number;
  /** Number of the last batch, from 1, and its time. */
  batch: number;
  batchMs: number;
  /** What was told anywhere before this moment has been taken in (FlowBatch.cutMs). Where the source knows no cuts: the time of the batch before. */
  cutMs: number;
  /** Time of the batch before: what was first seen later is new. */
  previousMs: number;
  /** The life of the ingest that speaks, and whether what it took over from the one before is still incomplete. */
  epoch: number;
  takingOver: boolean;
  /** Counters of MergeHealth. */
  aggregated: number;
  dropped: number;
}

/** What tells flows apart, words that differ most first. */
const KEY = [
  FLOW.id,
  FLOW.originalPorts,
  FLOW.netns,
  FLOW.zone,
  ...[3, 7, 0, 1, 2, 4, 5, 6].map((word) => FLOW.originalSource + word),
];

/** A book without flows. */
export function createFlowBook(limits: FlowLimits, news?: RowNews): FlowBook {
  return {
    rows: new FlowRows(KEY, limits.live + limits.closed + limits.silent, news),
    aggregates: new Aggregates(limits.aggregates, news),
    limits,
    live: 0,
    closed: 0,
    silent: [],
    entryless: [],
    vanished: [],
    fresh: [],
    touched: [],
    perNamespace: new Map(),
    births: 0,
    batch: 0,
    batchMs: Number.NEGATIVE_INFINITY,
    cutMs: Number.NEGATIVE_INFINITY,
    previousMs: Number.NEGATIVE_INFINITY,
    epoch: 0,
    takingOver: false,
    aggregated: 0,
    dropped: 0,
  };
}

/** Notes that the wires of a row are to be looked at anew. */
export function touch(book: FlowBook, row: Row): void {
  if (book.touched.length <= MAX_FRESH) book.touched.push(row);
}
