/** What a FlowTracker can be told, and what it does when it is told nothing. */
import type { FlowPolicyOptions } from "./flow-policy.ts";

/** Options of a FlowTracker. */
export interface FlowTrackerOptions extends FlowPolicyOptions {
  /** The most flows that are kept; when there are more, some are given up (choose-victims.ts). Default 262,144, nf_conntrack_max of most hosts. */
  readonly capacity?: number;
  /** The most rows of ended flows that wait for a flush, besides those of flows told before; more are counted in aggregated rows. Default 131,072. */
  readonly pendingRows?: number;
  /** The most aggregated rows by client and service that wait for a flush. Default 8,192. */
  readonly aggregateRows?: number;
  /** See `FlowBatch.epoch`. Default 1. */
  readonly epoch?: number;
  /** Of the table's hash. A live ingest draws it at random; the result does not depend on it, but for who is evicted. */
  readonly hashSeed?: number;
}

/** The defaults. */
export const TRACKER_DEFAULTS = {
  capacity: 262_144,
  pendingRows: 131_072,
  aggregateRows: 8_192,
  epoch: 1,
  hashSeed: 0x2545f491,
} as const;
