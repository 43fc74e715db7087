/** Conntrack events to batches of changed flows, in reading order. */

// For the house's own tests and benches.
export { DECODED, decodeFlow } from "./decode-flow.ts";
export { DumpSchedule } from "./dump-schedule.ts";
export { type FlowPolicyOptions, flowPolicy } from "./flow-policy.ts";
export { FlowTable } from "./flow-table.ts";
export { FlowTracker } from "./flow-tracker.ts";
export type { FlowTrackerOptions } from "./flow-tracker-options.ts";
export { type IngestHooks, ingest } from "./ingest.ts";
export type { IngestOptions } from "./ingest-options.ts";
export { RAW, type RawChunk } from "./raw-tap.ts";
export { receiveFilter } from "./receive-filter.ts";
export type { IngestFacts } from "./tracker-health.ts";
