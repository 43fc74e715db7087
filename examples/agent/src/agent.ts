/**
 * An agent in a few lines: what it knows is at /metrics and /report, what changes is a line of JSON on standard output. A signal ends it: the reporter first,
 * so that its last changes are logged, then the server.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { parseArgs } from "node:util";
import { type Change, createReporter, type Reporter } from "conntrail";
import { Registry } from "prom-client";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "9100" },
    filter: { type: "string" },
    namespaces: { type: "string", default: "all" },
  },
});

const metrics = new Registry();
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const reporter = createReporter({
  intervalMs: 0, // reports are made when somebody asks for one
  metrics,
  signal: stop.signal,
  namespaces: values.namespaces === "own" ? "own" : "all",
  ...(values.filter !== undefined && { filter: values.filter }),
  logger: {
    info: (facts, message) => log("info", { ...facts, message }),
    warn: (facts, message) => log("warn", { ...facts, message }),
    error: (facts, message) => log("error", { ...facts, message }),
  },
});

const server = createServer((request, response) => {
  answer(reporter, request.url ?? "/", response).catch((error: unknown) => {
    response.writeHead(503).end(`${error instanceof Error ? error.message : String(error)}\n`);
  });
});
server.listen(Number(values.port), "127.0.0.1");
await once(server, "listening");
const address = server.address();
log("info", { message: "listening", port: typeof address === "object" ? address?.port : undefined });

for await (const change of reporter.changes()) tell(change);

server.close();
server.closeAllConnections();
log("info", { message: "stopped" });

async function answer(from: Reporter, url: string, response: ServerResponse): Promise<void> {
  if (url === "/metrics") {
    response.writeHead(200, { "content-type": metrics.contentType }).end(await metrics.metrics());
  } else if (url === "/report") {
    const report = await from.report();
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(report));
  } else response.writeHead(404).end("there are /metrics and /report\n");
}

function tell(change: Change): void {
  switch (change.kind) {
    case "snapshot":
      log("info", { message: "present", connections: change.length, lost: change.lost });
      break;
    case "opened":
    case "closed": {
      const { from, to, state } = change.connection;
      const client = from.process ?? from.address;
      const service = `${to.process ?? to.names[0] ?? to.address}:${to.port}`;
      log("info", { message: change.kind, id: change.id, client, service, state });
      break;
    }
    case "changed": // a log line each would say little
    case "gone":
      break;
  }
}

function log(level: string, facts: object): void {
  console.log(JSON.stringify({ level, time: new Date().toISOString(), ...facts }));
}
