/**
 * A host program that embeds a reporter, or none, and watches its own event loop: the delay of a timer that is due every millisecond.
 * Runs inside the namespace to be watched. Prints a line when it is ready, measures from a line on standard input to the next one, and prints
 * the delays in milliseconds.
 *
 *     --alone       no reporter: what the machine itself delays
 *     --interval N  milliseconds between reports (default 1,000)
 */

import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { createReporter } from "@conntrail/reporter";

const { values } = parseArgs({
  options: { alone: { type: "boolean", default: false }, interval: { type: "string", default: "1000" } },
});
const RESOLUTION_MS = 1;
const NANOS = 1e6;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const reports = [];
const reporter = values.alone
  ? undefined
  : createReporter({ namespaces: "own", names: false, intervalMs: Number(values.interval) });
reporter?.reports$.subscribe((report) => {
  reports.push({
    connections: report.length,
    lost: report.health.conntrack.lost,
    events: report.health.conntrack.events,
  });
});
await reporter?.ready;
console.log("ready");

await lines.next();
const before = reports.length;
const cpu = process.cpuUsage();
histogram.enable();
await lines.next();
histogram.disable();
// The histogram holds the time from one timer to the next, of which the resolution is meant to be.
const late = (nanos) => nanos / NANOS - RESOLUTION_MS;
const { user, system } = process.cpuUsage(cpu);
const measured = {
  p50: late(histogram.percentile(50)),
  p99: late(histogram.percentile(99)),
  max: late(histogram.max),
  cpuMs: (user + system) / 1000,
  reports: reports.length - before,
  connections: Math.max(0, ...reports.slice(before).map(({ connections }) => connections)),
  last: reports.at(-1) ?? null,
};
console.log(JSON.stringify(measured));
await reporter?.close();
process.exit();
