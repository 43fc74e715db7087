// Embeds a reporter without reports and prints every change as a line, with the moment at which it was told. Ends at the end of standard input.
import { createReporter } from "@conntrail/reporter";

const reporter = createReporter({ namespaces: "own", names: false, intervalMs: 0, scanIntervalMs: 500 });
process.stdin.on("end", () => void reporter.close()).resume();
await reporter.ready;
for await (const change of reporter.changes()) {
  const toldMs = Date.now();
  const { kind, id, members, lost } = change;
  const connection = change.connection?.toJSON();
  const present = kind === "snapshot" ? [...change.connections()].map((each) => each.toJSON()) : undefined;
  console.log(JSON.stringify({ kind, id, members, lost, connection, present, toldMs }));
}
process.exit(0);
