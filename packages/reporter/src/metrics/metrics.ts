/** What each report, delivery and restart does to the metrics of metric-list.ts, on every face that they are shown on. */
import type { HealthState, HostFacts, SnapshotHealth } from "@conntrail/model";
import type { WorkerPart } from "../protocol.ts";
import type { DeliveryOutcome } from "../sinks/feed.ts";
import type { MetricFace, MetricLabels } from "./metric-face.ts";

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
  /** The pipeline has failed for good. */
  failed(): void;
  /** Takes the metrics off their faces: a second reporter may use them after the first has closed. */
  close(): void;
}

/** The parts that have a state; `pipeline` is what makes the reports. */
type Part = "pipeline" | "conntrack" | "sockets" | "names";

const STATES = ["ok", "degraded", "off"] as const satisfies readonly HealthState[];

/** What counters with labels begin with, at 0: a first increase from nothing at all would be no increase to Prometheus. */
const ZEROS = {
  conntrack_events_total: ["new", "update", "destroy"].map((type) => ({ type })),
  worker_restarts_total: ["ingest", "scan", "pipeline"].map((part) => ({ part })),
} as const;

/** Shows the metrics on all `faces`. `sinks`: the names of those that reports go to. */
export function reporterMetrics(faces: readonly MetricFace[], sinks: readonly string[]): ReporterMetrics {
  const gauge = (name: string, value: number, labels: MetricLabels = {}): void => {
    for (const face of faces) face.set(name, value, labels);
  };
  const count = (name: string, by: number, labels: MetricLabels = {}): void => {
    for (const face of faces) face.count(name, by, labels);
  };
  const grown = growth();
  const countTo = (name: string, total: number, labels: Record<string, string> = {}): void =>
    count(name, grown(name + Object.values(labels).join(), total), labels);
  for (const [name, labels] of Object.entries(ZEROS)) for (const each of labels) count(name, 0, each);
  for (const sink of sinks) {
    for (const outcome of ["delivered", "failed", "dropped"]) count("sink_deliveries_total", 0, { sink, outcome });
  }
  const reasons = new Map<Part, string>();
  const tellState = (part: Part, state: HealthState, reason: string | null): void => {
    for (const each of STATES) gauge("part_state", each === state ? 1 : 0, { part, state: each });
    const before = reasons.get(part);
    if (before !== undefined && before !== reason) {
      for (const face of faces) face.remove("part_reason", { part, reason: before });
    }
    if (reason === null) reasons.delete(part);
    else {
      reasons.set(part, reason);
      gauge("part_reason", 1, { part, reason });
    }
  };
  tellState("pipeline", "off", "starting");

  return {
    report({ health, connections, endMs, buildSeconds }: ReportFacts): void {
      const { conntrack, sockets, names, merge } = health;
      for (const face of faces) face.observe("spy_duration_seconds", buildSeconds);
      count("reports_total", 1);
      tellState("pipeline", "ok", null);
      tellState("conntrack", conntrack.state, conntrack.reason);
      tellState("sockets", sockets.state, sockets.reason);
      tellState("names", names.state, names.reason);
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
    restart(part): void {
      count("worker_restarts_total", 1, { part });
      if (part === "pipeline") tellState("pipeline", "off", "failed");
    },
    failed: (): void => tellState("pipeline", "off", "failed"),
    reportsDropped: (total): void => countTo("reports_dropped_total", total),
    close(): void {
      for (const face of faces) face.close();
    },
  };
}

/** How much a total has grown since it was last seen. A smaller total means that its source was restarted: all of it is new. */
function growth(): (key: string, total: number) => number {
  const seen = new Map<string, number>();
  return (key, total) => {
    const before = seen.get(key) ?? 0;
    seen.set(key, total);
    return total >= before ? total - before : total;
  };
}
