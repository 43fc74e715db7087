/** A batch's health: what the tracker counts, and what only its surroundings know. */
import type { IngestHealth } from "@conntrail/model";

/** What surrounds the tracker and goes into a batch's health. */
export interface IngestFacts {
  readonly state: IngestHealth["state"];
  readonly reason: IngestHealth["reason"];
  readonly advice: string | null;
  readonly lost: number | null;
  readonly receiveBufferBytes: number;
}

/** What the tracker counts. */
export type TrackerCounts = Omit<IngestHealth, keyof IngestFacts>;

/** Of a tracker that nobody speaks for: replay, tests. */
export const NO_FACTS: IngestFacts = { state: "ok", reason: null, advice: null, lost: null, receiveBufferBytes: 0 };

/** Beyond this share of its capacity the table is said to be nearly full. */
const NEAR_CAPACITY = 0.8;

/** Puts both together. A table that is nearly full is told when there is nothing worse. */
export function trackerHealth(facts: IngestFacts, counts: TrackerCounts): IngestHealth {
  if (facts.state !== "ok" || counts.flows <= NEAR_CAPACITY * counts.capacity) return { ...facts, ...counts };
  return {
    ...facts,
    ...counts,
    state: "degraded",
    reason: "near-capacity",
    advice: "the flow table is over 80 % full: raise its capacity, or flows will be given up",
  };
}
