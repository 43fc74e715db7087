/** What the ingest emits: the flows that changed since the batch before, each at most once and in its latest state. */
import type { IngestHealth } from "./health.ts";

/** Why a row is in a batch. */
export const FLOW_CHANGE = {
  upsert: 1, // new or changed, still in the kernel's table
  destroyed: 2, // the kernel said DESTROY
  swept: 3, // a dump no longer had it: it ended at a time nobody saw
  evicted: 4, // dropped from the ingest's table for want of room; the kernel may still have it
  released: 5, // its namespace went away
} as const;

/** One of FLOW_CHANGE. */
export type FlowChange = (typeof FLOW_CHANGE)[keyof typeof FLOW_CHANGE];

/**
 * A batch of changed flows. `rows` and `changes` are transferred between threads: whoever receives a batch owns them.
 * An empty batch (count 0) still carries time and health: the ingest sends one per flush so that the pipeline knows it lives.
 */
export interface FlowBatch {
  readonly kind: "flows";
  /** The moment at which the batch was closed. Like all times here: Unix milliseconds by a clock that never steps. */
  readonly timeMs: number;
  /**
   * The cut: what conntrack told in any watched namespace before this moment is in this batch or in one before it. For after this moment every event
   * socket was read empty, and what was read has been handed on. It never goes back. While a namespace is dumped anew after a loss, or for the first time, it
   * stands still. Null: the source does not know (captures of others, older recordings, an ingest that failed).
   */
  readonly cutMs: number | null;
  /**
   * Which life of the ingest this is, from 1; a restarted ingest has the next number. When the first complete batch of a new
   * life is in, flows known only from the life before are gone: they ended while nobody looked.
   */
  readonly epoch: number;
  readonly count: number;
  /** `count` rows of FLOW_WORDS words (flow-row.ts). The array may be longer than that. */
  readonly rows: Uint32Array;
  /** `count` values of FLOW_CHANGE. The array may be longer than that. */
  readonly changes: Uint8Array;
  /** Records of MASTER_WORDS words (master-record.ts), of rows of this batch that another connection had announced. Missing: none. */
  readonly masters?: Uint32Array;
  /** Records of EXACT_WORDS words (exact-record.ts), of rows of this batch whose counters are beyond 2^53. Missing: none. */
  readonly exact?: Uint32Array;
  readonly health: IngestHealth;
}
