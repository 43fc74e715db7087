/**
 * The metrics, after Prometheus' conventions: base units, counters end in `_total`, caches count requests and hits.
 * The list below is the README's table; a test compares it with the registry.
 */
import type { HostFacts, SnapshotHealth } from "@conntrail/model";
import { Counter, Gauge, type Registry, Summary } from "prom-client";
import type { WorkerPart } from "./protocol.ts";
import type { DeliveryOutcome } from "./sinks/feed.ts";

/** A metric's type, help text and labels, by its name without the prefix. */
const METRICS = {
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
  worker_restarts_total: { type: "counter", help: "Workers started anew after a failure, by part.", labels: ["part"] },
} as const satisfies Record<string, MetricSpec>;

interface MetricSpec {
  readonly type: "counter" | "gauge" | "summary";
  readonly help: string;
  readonly labels: readonly string[];
}

/** What the reporter tells of each report. */
interface ReportFacts {
  readonly health: SnapshotHealth;
  readonly host: HostFacts;
  readonly connections: number;
  readonly endMs: number;
  readonly buildSeconds: number;
}

/** The reporter's side of the metrics. Every call is cheap: once per report, delivery or restart. */
export interface ReporterMetrics {
  report(facts: ReportFacts): void;
  delivery(sink: string, outcome: DeliveryOutcome): void;
  restart(part: WorkerPart): void;
  reportsDropped(total: number): void;
  /** Takes the metrics off the registry: a second reporter may use it after the first has closed. */
  close(): void;
}

/** Quantiles over the last ten seconds, as Scope's probe had them. */
const SUMMARY_WINDOW = { maxAgeSeconds: 10, ageBuckets: 5, percentiles: [0.5, 0.9, 0.99] };

/** Registers all metrics of METRICS under `prefix`. */
export function registerMetrics(registry: Registry, prefix: string): ReporterMetrics {
  const registered = new Map<string, Counter | Gauge | Summary>();
  for (const [name, { type, help, labels }] of Object.entries(METRICS) as [string, MetricSpec][]) {
    const common = { name: prefix + name, help, labelNames: [...labels], registers: [registry] };
    if (type === "counter") registered.set(name, new Counter(common));
    else if (type === "gauge") registered.set(name, new Gauge(common));
    else registered.set(name, new Summary({ ...common, ...SUMMARY_WINDOW }));
  }
  const gauge = (name: MetricName, value: number): void => (registered.get(name) as Gauge).set(value);
  const count = (name: MetricName, by: number, labels: Record<string, string> = {}): void =>
    (registered.get(name) as Counter).inc(labels, by);
  const grown = growth();
  const countTo = (name: MetricName, total: number, labels: Record<string, string> = {}): void =>
    count(name, grown(name + Object.values(labels).join(), total), labels);

  return {
    report({ health, connections, endMs, buildSeconds }: ReportFacts): void {
      const { conntrack, sockets, names, merge } = health;
      (registered.get("spy_duration_seconds") as Summary).observe(buildSeconds);
      count("reports_total", 1);
      gauge("report_connections", connections);
      for (const [type, total] of Object.entries(conntrack.events)) countTo("conntrack_events_total", total, { type });
      countTo("conntrack_lost_total", conntrack.lost ?? 0);
      countTo("conntrack_overruns_total", conntrack.overruns);
      countTo("conntrack_resyncs_total", conntrack.resyncs);
      countTo("conntrack_reconciliations_total", conntrack.reconciliations);
      countTo("conntrack_undecodable_total", conntrack.undecodable);
      countTo("conntrack_evictions_total", conntrack.evicted);
      gauge("conntrack_flows", conntrack.flows);
      gauge("conntrack_flows_capacity", conntrack.capacity);
      gauge("conntrack_receive_buffer_bytes", conntrack.receiveBufferBytes);
      countTo("aggregated_connections_total", conntrack.aggregated + merge.aggregated);
      countTo("dropped_connections_total", merge.dropped);
      gauge("scan_duration_seconds", sockets.durationMs / 1000);
      if (sockets.timeMs !== null) gauge("scan_age_seconds", Math.max(0, endMs - sockets.timeMs) / 1000);
      countTo("scans_total", sockets.scans);
      gauge("sockets", sockets.sockets);
      gauge("sockets_attributed", sockets.attributed);
      countTo("name_cache_requests_total", names.requests);
      countTo("name_cache_hits_total", names.hits);
      countTo("name_lookups_total", names.lookups);
      countTo("name_failures_total", names.failures);
      countTo("name_drops_total", names.dropped);
      gauge("name_cache_entries", names.cached);
    },
    delivery: (sink, outcome): void => count("sink_deliveries_total", 1, { sink, outcome }),
    restart: (part): void => count("worker_restarts_total", 1, { part }),
    reportsDropped: (total): void => countTo("reports_dropped_total", total),
    close(): void {
      for (const name of registered.keys()) registry.removeSingleMetric(prefix + name);
    },
  };
}

type MetricName = keyof typeof METRICS;

/** How much a total has grown since it was last seen. A smaller total means that its source was restarted: all of it is new. */
function growth(): (key: string, total: number) => number {
  const seen = new Map<string, number>();
  return (key, total) => {
    const before = seen.get(key) ?? 0;
    seen.set(key, total);
    return total >= before ? total - before : total;
  };
}
