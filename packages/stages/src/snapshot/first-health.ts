/** What health says of parts that have not spoken yet. */
import type { IngestHealth, NamesHealth, ScanHealth, TraceHealth } from "@conntrail/model";

/** Conntrack before the first batch: starting, or switched off. */
export function firstConntrackHealth(on: boolean): IngestHealth {
  return {
    state: "off",
    reason: on ? "starting" : "switched-off",
    advice: null,
    completeSinceMs: null,
    events: { new: 0, update: 0, destroy: 0 },
    lost: null,
    overruns: 0,
    resyncs: 0,
    reconciliations: 0,
    undecodable: 0,
    flows: 0,
    capacity: 0,
    evicted: 0,
    aggregated: 0,
    receiveBufferBytes: 0,
    namespaces: 0,
  };
}

/** Sockets before the first table: starting, or switched off. */
export function firstSocketsHealth(on: boolean): ScanHealth {
  return {
    state: "off",
    reason: on ? "starting" : "switched-off",
    advice: null,
    scans: 0,
    durationMs: 0,
    sockets: 0,
    attributed: 0,
    processes: 0,
    namespaces: 0,
    undecodable: 0,
    backend: "none",
    uncut: 0,
  };
}

/** Names while no stage attaches them. */
export const NO_NAMES_HEALTH: NamesHealth = {
  state: "off",
  reason: "switched-off",
  cached: 0,
  pending: 0,
  requests: 0,
  hits: 0,
  lookups: 0,
  failures: 0,
  dropped: 0,
};

/** The trace while no stage has heard of it. */
export const NO_TRACE_HEALTH: TraceHealth = {
  state: "off",
  reason: "switched-off",
  advice: null,
  events: 0,
  lost: 0,
  undecodable: 0,
  facts: 0,
  cpus: 0,
  ringBytes: 0,
  processes: 0,
  senders: "off",
};
