/**
 * The metrics, after Prometheus' conventions: base units, counters end in `_total`, caches count requests and hits.
 * The list is the README's table; a test compares it with the registry.
 */

/** Each metric's type, help text and labels, by its name without the prefix. */
export const METRICS: Readonly<Record<string, MetricSpec>> = {
  spy_duration_seconds: { type: "summary", help: "Time spent building a report, seconds.", labels: [] },
  reports_total: { type: "counter", help: "Reports built.", labels: [] },
  reports_dropped_total: { type: "counter", help: "Reports that a slow iterator did not take.", labels: [] },
  report_connections: { type: "gauge", help: "Connections in the latest report.", labels: [] },
  conntrack_events_total: { type: "counter", help: "Conntrack events decoded, by type.", labels: ["type"] },
  conntrack_lost_total: {
    type: "counter",
    help: "Conntrack messages that the kernel dropped, where it tells.",
    labels: [],
  },
  conntrack_overruns_total: { type: "counter", help: "Times the event socket overran (ENOBUFS).", labels: [] },
  conntrack_resyncs_total: { type: "counter", help: "Dumps taken to recover from a loss.", labels: [] },
  conntrack_reconciliations_total: {
    type: "counter",
    help: "Dumps taken to find flows whose end nobody told.",
    labels: [],
  },
  conntrack_undecodable_total: { type: "counter", help: "Conntrack messages that could not be decoded.", labels: [] },
  conntrack_flows: { type: "gauge", help: "Flows followed now.", labels: [] },
  conntrack_flows_capacity: { type: "gauge", help: "Flows that may be followed at once.", labels: [] },
  conntrack_evictions_total: { type: "counter", help: "Flows dropped from a full table.", labels: [] },
  conntrack_receive_buffer_bytes: { type: "gauge", help: "Receive buffer of the event sockets, bytes.", labels: [] },
  aggregated_connections_total: {
    type: "counter",
    help: "Closed connections told in aggregated rows for want of room.",
    labels: [],
  },
  dropped_connections_total: { type: "counter", help: "Connections that a full table turned away.", labels: [] },
  scan_duration_seconds: { type: "gauge", help: "Time the latest socket scan took, seconds.", labels: [] },
  scan_age_seconds: { type: "gauge", help: "Age of the socket table in the latest report, seconds.", labels: [] },
  scans_total: { type: "counter", help: "Socket scans.", labels: [] },
  sockets: { type: "gauge", help: "Sockets in the latest scan.", labels: [] },
  sockets_attributed: { type: "gauge", help: "Sockets in the latest scan whose process is known.", labels: [] },
  name_cache_requests_total: { type: "counter", help: "Names asked of the cache.", labels: [] },
  name_cache_hits_total: { type: "counter", help: "Names that the cache had.", labels: [] },
  name_lookups_total: { type: "counter", help: "Reverse lookups sent to a server.", labels: [] },
  name_failures_total: { type: "counter", help: "Reverse lookups that failed or timed out.", labels: [] },
  name_drops_total: { type: "counter", help: "Reverse lookups dropped by a full backlog.", labels: [] },
  name_cache_entries: { type: "gauge", help: "Addresses in the name cache.", labels: [] },
  sink_deliveries_total: {
    type: "counter",
    help: "Reports handed to a sink, by outcome: delivered, failed, dropped.",
    labels: ["sink", "outcome"],
  },
  part_state: {
    type: "gauge",
    help: "1 for the state that a part is in: ok, degraded or off; 0 for the others.",
    labels: ["part", "state"],
  },
  part_reason: {
    type: "gauge",
    help: "1 for the reason of a part that is not ok, as in the report's health; no other reason has a value.",
    labels: ["part", "reason"],
  },
  worker_restarts_total: { type: "counter", help: "Workers started anew after a failure, by part.", labels: ["part"] },
};

/** What a metric is. */
export interface MetricSpec {
  readonly type: "counter" | "gauge" | "summary";
  readonly help: string;
  readonly labels: readonly string[];
}
