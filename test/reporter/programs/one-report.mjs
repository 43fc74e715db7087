/** An agent at its smallest: one report, and what it says of its sources. Prints JSON. */
import { createReporter } from "@conntrail/reporter";

const reporter = createReporter({ intervalMs: 0, names: false, namespaces: "own" });
await reporter.ready;
const { health } = await reporter.report();
await reporter.close();
console.log(JSON.stringify({ conntrack: health.conntrack.reason, sockets: health.sockets.reason }));
