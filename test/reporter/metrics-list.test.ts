/** The README's table of metrics against a live registry. */
import { readFileSync } from "node:fs";
import { createReporter, observer } from "@conntrail/reporter";
import { Registry } from "prom-client";
import { expect, test } from "vitest";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const ROW = /^\| `(\w+)` +\| (counter|gauge|summary) +\| (.+?) +\|$/gm;

test("S17 the README lists exactly the metrics that a reporter registers, with type and meaning", async () => {
  const listed = [...README.matchAll(ROW)].map(([, name, type, help]) => ({ name: `conntrail_${name}`, type, help }));
  const registry = new Registry();
  const reporter = createReporter({ metrics: registry, intervalMs: 0, conntrack: false, names: false });
  try {
    const registered = (await registry.getMetricsAsJSON()).map(({ name, type, help }) => ({ name, type, help }));
    expect(listed).toEqual(registered);
  } finally {
    await reporter.close();
  }
  expect(await registry.getMetricsAsJSON()).toEqual([]);
});

test("S17 counters end in _total, and nothing else does", () => {
  for (const [, name, type] of README.matchAll(ROW)) expect(name!.endsWith("_total")).toBe(type === "counter");
});

test("S16 the report duration is a summary named as Scope's under Scope's prefix", async () => {
  const registry = new Registry();
  const reporter = createReporter({
    metrics: registry,
    metricsPrefix: "scope_probe_",
    intervalMs: 0,
    conntrack: false,
    names: false,
  });
  try {
    await reporter.report();
    const text = await registry.metrics();
    expect(text).toMatch(/^# TYPE scope_probe_spy_duration_seconds summary$/m);
    expect(text).toMatch(/^scope_probe_spy_duration_seconds_count 1$/m);
    expect(text).toMatch(/^scope_probe_spy_duration_seconds\{quantile="0.99"\} [\d.]+$/m);
  } finally {
    await reporter.close();
  }
});

test("N17 counters begin at 0 with every label, states are told before the first report, and nothing observed has no quantile", async () => {
  const registry = new Registry();
  const sinks = [observer(() => undefined)];
  const reporter = createReporter({ metrics: registry, intervalMs: 0, conntrack: false, names: false, sinks });
  try {
    const text = await registry.metrics();
    expect(text).toContain('conntrail_conntrack_events_total{type="destroy"} 0');
    expect(text).toContain('conntrail_worker_restarts_total{part="pipeline"} 0');
    expect(text).toContain('conntrail_sink_deliveries_total{sink="observer",outcome="failed"} 0');
    expect(text).toContain('conntrail_part_state{part="pipeline",state="off"} 1');
    expect(text).toContain('conntrail_part_reason{part="pipeline",reason="starting"} 1');
    expect(text).not.toContain("quantile");
    expect(text).toContain("conntrail_spy_duration_seconds_count 0");
    await reporter.ready;
    await reporter.report();
    const later = await registry.metrics();
    expect(later).toContain('conntrail_part_state{part="pipeline",state="ok"} 1');
    expect(later).toContain('conntrail_part_reason{part="conntrack",reason="switched-off"} 1');
    expect(later).not.toContain('part_reason{part="pipeline"');
  } finally {
    await reporter.close();
  }
});

test("N17 a second reporter on one registry needs a prefix of its own, and is told so", async () => {
  const metrics = new Registry();
  const options = { metrics, intervalMs: 0, conntrack: false, names: false };
  const first = createReporter(options);
  try {
    expect(() => createReporter(options)).toThrow(/^metricsPrefix: expected a prefix of its own/);
    await createReporter({ ...options, metricsPrefix: "other_" }).close();
  } finally {
    await first.close();
  }
});
