/**
 * An agent with metrics at http://127.0.0.1:PORT/metrics, whose faults are induced by lines on its standard input:
 * `scans on|off` (an injected scanner that goes on or falls silent), `app STATUS` (what the Scope app answers).
 */
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { createReporter, scopeApp } from "@conntrail/reporter";
import { Registry } from "prom-client";
import { Observable } from "rxjs";

let scans = true;
let status = 200;
const registry = new Registry();
const app = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(status).end());
});
const metrics = createServer(async (_, response) => response.end(await registry.metrics()));
const listen = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

const scanner = new Observable((subscriber) => {
  const timer = setInterval(() => scans && subscriber.next(emptyTable()), 200);
  return () => clearInterval(timer);
});
const appPort = await listen(app);
const reporter = createReporter({
  metrics: registry,
  intervalMs: 250,
  names: false,
  namespaces: "own",
  receiveBuffer: 65_536,
  receiveBufferMax: 65_536,
  scanner,
  sinks: [scopeApp(`http://127.0.0.1:${appPort}`, { tries: 1 })],
});
console.log(JSON.stringify({ port: await listen(metrics) }));
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [what, value] = line.split(" ");
    if (what === "scans") scans = value === "on";
    else status = Number(value);
  })
  .on("close", async () => {
    await reporter.close();
    process.exit(0);
  });

function emptyTable() {
  const timeMs = Date.now();
  const health = {
    state: "ok",
    reason: null,
    advice: null,
    scans: 1,
    durationMs: 1,
    sockets: 0,
    attributed: 0,
    processes: 0,
    namespaces: 1,
    undecodable: 0,
    backend: "none",
  };
  const nothing = { count: 0, rows: new Uint32Array(0), owners: [], namespaces: [] };
  return { kind: "sockets", timeMs, startedMs: timeMs, ...nothing, health };
}
