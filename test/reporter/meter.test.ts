/** The metrics as instruments of a Meter: the same list, and what a reader sees. Needs OpenTelemetry's own SDK, which is not among the dependencies. */
import { createRequire } from "node:module";
import { createReporter, isOptionError, type MeterLike } from "@conntrail/reporter";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { KERNEL_SKIP } from "../lab/kernel.ts";

/** The part of `@opentelemetry/sdk-metrics` 2 that is used here. */
interface Sdk {
  readonly MeterProvider: new (options: { readers: readonly object[] }) => { getMeter(name: string): MeterLike };
  readonly InMemoryMetricExporter: new (temporality: number) => object;
  readonly PeriodicExportingMetricReader: new (options: { exporter: object }) => Reader;
}

interface Reader {
  collect(): Promise<{ resourceMetrics: { scopeMetrics: readonly { metrics: readonly Metric[] }[] } }>;
  shutdown(): Promise<void>;
}

interface Metric {
  readonly descriptor: { readonly name: string; readonly unit: string };
  readonly dataPoints: readonly { readonly value: unknown; readonly attributes: Readonly<Record<string, string>> }[];
}

const QUIET = { conntrack: false, sockets: false, names: false, intervalMs: 0 } as const;

function loadSdk(): Sdk | undefined {
  try {
    return createRequire(import.meta.url)("@opentelemetry/sdk-metrics") as Sdk;
  } catch {
    return undefined;
  }
}

test("a Meter has every metric of the registry under the same name, and the same values", async ({ skip }) => {
  const sdk = loadSdk();
  if (sdk === undefined)
    return skip(`${KERNEL_SKIP}not installed: @opentelemetry/sdk-metrics (NODE_PATH=DIR/node_modules)`);
  const reader = new sdk.PeriodicExportingMetricReader({ exporter: new sdk.InMemoryMetricExporter(1) });
  const meter = new sdk.MeterProvider({ readers: [reader] }).getMeter("test");
  const metrics = new Registry();
  const reporter = createReporter({ ...QUIET, metrics, meter });
  await reporter.report();
  await reporter.report();
  const seen = await collect(reader);
  const value = (name: string): unknown => seen.get(`conntrail_${name}`)?.dataPoints[0]?.value;
  expect(value("reports_total")).toBe(2);
  expect(value("spy_duration_seconds")).toMatchObject({ count: 2 });
  expect(seen.get("conntrail_scan_duration_seconds")?.descriptor.unit).toBe("s");
  const states = seen.get("conntrail_part_state")!.dataPoints.filter(({ value: on }) => on === 1);
  expect(states.map(({ attributes }) => attributes.part)).toContain("pipeline");
  const onRegistry = (await metrics.getMetricsAsJSON())
    .filter(({ values }) => values.length > 0)
    .map(({ name }) => name);
  // A registry shows 0 for what was never measured, a Meter nothing.
  expect(onRegistry.filter((name) => !seen.has(name))).toEqual(["conntrail_scan_age_seconds"]);
  expect([...seen.keys()].filter((name) => !onRegistry.includes(name))).toEqual([]);
  await reporter.close();
  await reader.shutdown();
});

test("what is no Meter is refused under the option's name", () => {
  try {
    createReporter({ ...QUIET, meter: {} as MeterLike });
    expect.unreachable();
  } catch (error) {
    expect(isOptionError(error) && error.option).toBe("meter");
  }
});

async function collect(reader: Reader): Promise<Map<string, Metric>> {
  const { resourceMetrics } = await reader.collect();
  return new Map(
    resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics).map((each) => [each.descriptor.name, each]),
  );
}
