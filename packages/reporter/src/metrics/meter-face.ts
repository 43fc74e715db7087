/** The metrics as instruments of an OpenTelemetry Meter: counters and gauges are observed when somebody reads them, a summary is a histogram. `@opentelemetry/api`, Meter. */
import type { MetricFace, MetricLabels } from "./metric-face.ts";
import { METRICS } from "./metric-list.ts";

/** What is used of `Meter` of `@opentelemetry/api`; every version from 1.3 has it. */
export interface MeterLike {
  createObservableCounter(name: string, options: InstrumentOptions): ObservableLike;
  createObservableGauge(name: string, options: InstrumentOptions): ObservableLike;
  createHistogram(name: string, options: InstrumentOptions): { record(value: number): void };
}

/** What instruments are made with. */
export interface InstrumentOptions {
  readonly description: string;
  readonly unit?: string;
}

/** An instrument that asks for its values when it is read. */
export interface ObservableLike {
  addCallback(callback: ObserveLike): void;
  removeCallback(callback: ObserveLike): void;
}

/** Tells an instrument its values. */
export type ObserveLike = (result: { observe(value: number, attributes: Record<string, string>): void }) => void;

interface Series {
  readonly labels: MetricLabels;
  value: number;
}

/** Makes all instruments of METRICS, named as on a registry. */
export function meterFace(meter: MeterLike, prefix: string): MetricFace {
  const series = new Map<string, Map<string, Series>>();
  const histograms = new Map<string, { record(value: number): void }>();
  const ends: (() => void)[] = [];
  for (const [name, { type, help }] of Object.entries(METRICS)) {
    const options = { description: help, ...unitOf(name) };
    if (type === "summary") {
      histograms.set(name, meter.createHistogram(prefix + name, options));
      continue;
    }
    const values = new Map<string, Series>();
    series.set(name, values);
    const make = type === "counter" ? "createObservableCounter" : "createObservableGauge";
    const instrument = meter[make](prefix + name, options);
    const observe: ObserveLike = (result) => {
      for (const { labels, value } of values.values()) result.observe(value, { ...labels });
    };
    instrument.addCallback(observe);
    ends.push(() => instrument.removeCallback(observe));
  }
  const change = (name: string, labels: MetricLabels, next: (before: number) => number): void => {
    const values = series.get(name)!;
    const key = Object.values(labels).join("\0");
    const known = values.get(key);
    if (known === undefined) values.set(key, { labels, value: next(0) });
    else known.value = next(known.value);
  };
  return {
    count: (name, by, labels) => change(name, labels, (before) => before + by),
    set: (name, value, labels) => change(name, labels, () => value),
    remove: (name, labels) => series.get(name)!.delete(Object.values(labels).join("\0")),
    observe: (name, value) => histograms.get(name)!.record(value),
    close: () => {
      for (const end of ends) end();
    },
  };
}

/** By the ends of the names: base units (UCUM). */
function unitOf(name: string): { unit?: string } {
  if (name.endsWith("_seconds")) return { unit: "s" };
  return name.endsWith("_bytes") ? { unit: "By" } : {};
}
