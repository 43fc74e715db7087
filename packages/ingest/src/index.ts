/** Conntrack events to batches of changed flows, in reading order. */

// For the house's own tests and benches.
export { DECODED, decodeFlow } from "./decode-flow.ts";
export { type FlowPolicyOptions, flowPolicy } from "./flow-policy.ts";
export { FlowTable } from "./flow-table.ts";
export { FlowTracker, type FlowTrackerOptions, type IngestFacts } from "./flow-tracker.ts";
export { type IngestHooks, ingest } from "./ingest.ts";
export type { IngestOptions } from "./ingest-options.ts";
export { applyRawChunk, RAW, type RawChunk } from "./raw-tap.ts";
export { receiveFilter } from "./receive-filter.ts";
