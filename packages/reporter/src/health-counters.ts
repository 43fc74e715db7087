/** Which members of a report's health count, and the counting over lives of the pipeline: one that was started anew goes on where the one before it ended. */
import type { SnapshotHealth } from "@conntrail/model";
import { RunningCounters } from "./running-counters.ts";

/** By part. What else is a number tells how something stands. */
export const HEALTH_COUNTERS = {
  conntrack: ["events", "lost", "overruns", "resyncs", "reconciliations", "undecodable", "evicted", "aggregated"],
  sockets: ["scans", "undecodable", "uncut"],
  names: ["requests", "hits", "lookups", "failures", "dropped"],
  merge: ["aggregated", "dropped"],
  trace: ["events", "lost", "undecodable", "facts"],
  containers: ["requests", "failures", "dropped"],
} as const;

/** Adds what the lives before had counted. */
export class HealthCounters {
  readonly #before: SnapshotHealth | undefined;

  /** `before`: the last health of the life before, itself counted on; `undefined` in the first. */
  constructor(before: SnapshotHealth | undefined) {
    this.#before = before;
  }

  /** The health of this life, counted on. */
  take(health: SnapshotHealth): SnapshotHealth {
    const before = this.#before;
    if (before === undefined) return health;
    return {
      conntrack: new RunningCounters(HEALTH_COUNTERS.conntrack, before.conntrack).take(health.conntrack),
      sockets: new RunningCounters(HEALTH_COUNTERS.sockets, before.sockets).take(health.sockets),
      names: new RunningCounters(HEALTH_COUNTERS.names, before.names).take(health.names),
      merge: new RunningCounters(HEALTH_COUNTERS.merge, before.merge).take(health.merge),
      trace: new RunningCounters(HEALTH_COUNTERS.trace, before.trace).take(health.trace),
      ...(health.containers && {
        containers: new RunningCounters(HEALTH_COUNTERS.containers, before.containers).take(health.containers),
      }),
    };
  }
}
