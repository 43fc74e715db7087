/** The README's table of metrics against a live registry. */
import { readFileSync } from "node:fs";
import { createReporter } from "@conntrail/reporter";
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
    expect(text).toMatch(/^scope_probe_spy_duration_seconds\{quantile="0.99"\} 0\.\d+/m);
  } finally {
    await reporter.close();
  }
});
