/** Everything in a report but its connections: a host in good health. */
import type { ReportContent } from "@conntrail/model";

const END_MS = Date.UTC(2026, 0, 15, 12, 0, 0);

/** Sequence, host, window and health. */
export const SURROUNDINGS: Omit<ReportContent, "columns" | "owners" | "names"> = {
  sequence: 7,
  host: {
    id: "hosta",
    name: "web-1",
    localNetworks: ["10.0.0.0/24", "127.0.0.0/8"],
    kernelVersion: "6.18.0",
    uptimeSeconds: 86_400,
  },
  window: { startMs: END_MS - 1000, endMs: END_MS },
  health: {
    conntrack: {
      state: "ok",
      reason: null,
      advice: null,
      completeSinceMs: END_MS - 60_000,
      events: { new: 10, update: 20, destroy: 5 },
      lost: 0,
      overruns: 0,
      resyncs: 0,
      reconciliations: 1,
      undecodable: 0,
      flows: 12,
      capacity: 262_144,
      evicted: 0,
      aggregated: 0,
      receiveBufferBytes: 8_388_608,
      namespaces: 1,
    },
    sockets: {
      state: "ok",
      reason: null,
      advice: null,
      scans: 60,
      durationMs: 30,
      sockets: 40,
      attributed: 38,
      processes: 12,
      namespaces: 1,
      undecodable: 0,
      backend: "sock_diag",
      uncut: 0,
      timeMs: END_MS - 200,
    },
    names: {
      state: "ok",
      reason: null,
      cached: 3,
      pending: 1,
      requests: 100,
      hits: 90,
      lookups: 10,
      failures: 2,
      dropped: 0,
    },
    merge: { aggregated: 0, dropped: 0 },
  },
};
