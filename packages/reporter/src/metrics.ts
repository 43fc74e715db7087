/**
 * The metrics of metric-list.ts on a registry: what each report, delivery and restart does to them.
 */
import { createRequire } from "node:module";
import type { HealthState, HostFacts, SnapshotHealth } from "@conntrail/model";
import type { Counter, Gauge, Registry, Summary } from "prom-client";
import { METRICS } from "./metric-list.ts";
import { outOfRange } from "./options/option-error.ts";
import type { WorkerPart } from "./protocol.ts";
import type { DeliveryOutcome } from "./sinks/feed.ts";

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
  /** Takes the metrics off the registry: a second reporter may use it after the first has closed. */
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

/** Quantiles over the last ten seconds, as Scope's probe had them. */
const SUMMARY_WINDOW = { maxAgeSeconds: 10, ageBuckets: 5, percentiles: [0.5, 0.9, 0.99] };

/** Registers all metrics of METRICS under `prefix`. `sinks`: the names of those that reports go to. Throws an OptionError when the registry has them already. */
export function registerMetrics(registry: Registry, prefix: string, sinks: readonly string[]): ReporterMetrics {
  if (registry.getSingleMetric(`${prefix}reports_total`) !== undefined) {
    throw outOfRange("metricsPrefix", "a prefix of its own for each reporter on one registry", prefix);
  }
  const registered = new Map<string, Counter | Gauge | Summary>();
  // Loaded when it is needed: whoever has a registry has loaded it, and nobody else needs it.
  const { Counter, Gauge, Summary } = createRequire(import.meta.url)("prom-client") as typeof import("prom-client");
  for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
    const common = { name: prefix + name, help, labelNames: [...labels], registers: [registry] };
    if (type === "counter") registered.set(name, new Counter(common));
    else if (type === "gauge") registered.set(name, new Gauge(common));
    else registered.set(name, withoutEmptyQuantiles(new Summary({ ...common, ...SUMMARY_WINDOW })));
  }
  const gauge = (name: string, value: number): void => (registered.get(name) as Gauge).set(value);
  const count = (name: string, by: number, labels: Record<string, string> = {}): void =>
    (registered.get(name) as Counter).inc(labels, by);
  const grown = growth();
  const countTo = (name: string, total: number, labels: Record<string, string> = {}): void =>
    count(name, grown(name + Object.values(labels).join(), total), labels);
  for (const [name, labels] of Object.entries(ZEROS)) for (const each of labels) count(name, 0, each);
  for (const sink of sinks) {
    for (const outcome of ["delivered", "failed", "dropped"]) count("sink_deliveries_total", 0, { sink, outcome });
  }
  const reasons = new Map<Part, string>();
  const tellState = (part: Part, state: HealthState, reason: string | null): void => {
    for (const each of STATES)
      (registered.get("part_state") as Gauge).set({ part, state: each }, each === state ? 1 : 0);
    const before = reasons.get(part);
    if (before !== undefined && before !== reason)
      (registered.get("part_reason") as Gauge).remove({ part, reason: before });
    if (reason === null) reasons.delete(part);
    else {
      reasons.set(part, reason);
      (registered.get("part_reason") as Gauge).set({ part, reason }, 1);
    }
  };
  tellState("pipeline", "off", "starting");

  return {
    report({ health, connections, endMs, buildSeconds }: ReportFacts): void {
      const { conntrack, sockets, names, merge } = health;
      (registered.get("spy_duration_seconds") as Summary).observe(buildSeconds);
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
      for (const name of registered.keys()) registry.removeSingleMetric(prefix + name);
    },
  };
}

/** prom-client gives 0 for a quantile of nothing; building a report takes longer than that, so a 0 is no observation. */
function withoutEmptyQuantiles(summary: Summary): Summary {
  const whole = summary.get.bind(summary);
  summary.get = async () => {
    const metric = await whole();
    return {
      ...metric,
      values: metric.values.filter(({ labels, value }) => labels.quantile === undefined || value > 0),
    };
  };
  return summary;
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
