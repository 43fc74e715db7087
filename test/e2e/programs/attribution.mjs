// Embeds a reporter that scans as often as told, from its first argument in milliseconds; at a line on standard input it ends and
// tells the processes of every closed connection to the port of its second argument, and the processor time that all of it took. A third
// argument `untraced` leaves perf events out, and reports, which ask for scans.
import { createReporter } from "@conntrail/reporter";

const [scanIntervalMs, port] = process.argv.slice(2).map(Number);
const trace = process.argv[4] !== "untraced";
const reporter = createReporter({
  namespaces: "own",
  names: false,
  intervalMs: trace ? 1000 : 0,
  scanIntervalMs,
  trace,
});
const told = { closed: 0, from: [], to: [], cpuMs: 0, ms: 0 };
reporter.reports$.subscribe((report) => {
  for (const { state, from, to } of report.connections()) {
    if (to.port !== port || state !== "closed") continue;
    told.closed++;
    told.from.push(from.pid);
    told.to.push(to.pid);
  }
});
await reporter.ready;
const began = performance.now();
const cpu = process.cpuUsage();
console.log("ready");
await new Promise((resolve) => process.stdin.once("data", resolve));
const { user, system } = process.cpuUsage(cpu);
told.cpuMs = (user + system) / 1000;
told.ms = performance.now() - began;
await reporter.close();
console.log(JSON.stringify(told));
process.exit();
