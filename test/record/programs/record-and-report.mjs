// Records to the file given while printing every live report as a line of JSON; ends at the end of standard input.
import { createReporter, ndjson } from "@conntrail/reporter";

const [path, intervalMs = "500"] = process.argv.slice(2);
const reporter = createReporter({
  hostId: "lab",
  hostName: "lab",
  names: false,
  namespaces: "own",
  intervalMs: Number(intervalMs),
  sinks: [ndjson(process.stdout)],
  record: { path },
});
await reporter.ready;
process.stderr.write("recording\n");
process.stdin.on("end", () => reporter.close().then(() => process.exit(0))).resume();
