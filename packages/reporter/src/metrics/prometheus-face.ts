/** The metrics on a registry of prom-client. */
import { createRequire } from "node:module";
import type { Counter, Gauge, Registry, Summary } from "prom-client";
import { outOfRange } from "../options/option-error.ts";
import type { MetricFace } from "./metric-face.ts";
import { METRICS } from "./metric-list.ts";

/** Quantiles over the last ten seconds, as Scope's probe had them. */
const SUMMARY_WINDOW = { maxAgeSeconds: 10, ageBuckets: 5, percentiles: [0.5, 0.9, 0.99] };

/** Registers all metrics of METRICS under `prefix`. Throws an OptionError when the registry has them already. */
export function prometheusFace(registry: Registry, prefix: string): MetricFace {
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
  return {
    count: (name, by, labels) => (registered.get(name) as Counter).inc(labels, by),
    set: (name, value, labels) => (registered.get(name) as Gauge).set(labels, value),
    remove: (name, labels) => (registered.get(name) as Gauge).remove(labels),
    observe: (name, value) => (registered.get(name) as Summary).observe(value),
    close: () => {
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
