/**
 * The agent that is soaked: it embeds a reporter as one would, reads its reports and its changes, and answers questions on its standard input, one JSON object a line each way, `{ id, ask, … }`
 * and `{ id, … }`. Ends at the end of its standard input.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { BroadcastChannel } from "node:worker_threads";
import { createReporter, scopeApp } from "@conntrail/reporter";
import { Registry } from "prom-client";
import { toldOf } from "./told-of.mjs";

const settings = JSON.parse(process.argv[2]);
const registry = new Registry();
/** What the reporter says went wrong, the latest of it. */
const said = [];
const note = ({ err, part, sink }, message) => {
  const cause = err instanceof Error ? err.message : (err ?? "");
  said.push(`${(performance.now() / 1000).toFixed(1)} s: ${part ?? sink ?? ""}: ${message}: ${cause}`);
  if (said.length > 30) said.shift();
};
const reporter = createReporter({
  ...settings.options,
  metrics: registry,
  sinks: [scopeApp(settings.app, { tries: 1 })],
  logger: { info: () => {}, warn: note, error: note },
});

const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
const heaps = {};
const channel = new BroadcastChannel("soak");
channel.onmessage = ({ data }) => {
  if (data.kind === "held") heaps[data.name] = { heapMb: data.heapMb, arraysMb: data.arraysMb };
};

/** What the changes so far make of the connections that live: by id, as text. */
const living = new Map();
const told = { reports: 0, rows: 0, opened: 0, changed: 0, closed: 0, gone: 0, snapshots: 0, faults: [] };
/** Addresses of guests that connections were told of, the latest of them. */
const guests = [];
let latest;

/** A reporter that failed for good is the end of the agent. */
const failed = (error) => {
  console.error(error.message, said);
  process.exit(1);
};
reporter.reports$.subscribe({
  next: (report) => {
    latest = report;
    told.reports++;
    told.rows += report.length;
  },
  error: failed,
});
reporter.changes$.subscribe({ next: takeChange, error: failed });

function noteGuest({ to: { address } }) {
  if (!address.startsWith("10.77.") || guests.includes(address)) return;
  guests.push(address);
  if (guests.length > 10) guests.shift();
}

function takeChange(change) {
  const { kind, id } = change;
  if (kind === "snapshot") {
    told.snapshots++;
    living.clear();
    for (const connection of change.connections()) {
      noteGuest(connection);
      living.set(connection.id, toldOf(connection.toJSON()));
    }
    return;
  }
  told[kind]++;
  if (change.connection !== undefined) noteGuest(change.connection);
  // What is summed up with others that ended was never told as open.
  const isSum = kind === "closed" && change.connection.flags.includes("aggregated");
  if (!isSum && living.has(id) === (kind === "opened")) {
    told.faults.push(`${kind} at the wrong time: ${JSON.stringify(change.connection)}`);
  }
  if (kind === "closed" || kind === "gone") living.delete(id);
  else living.set(id, toldOf(change.connection.toJSON()));
}

/** What the report and the changes do not agree about. */
function differences(report) {
  const left = new Map(living);
  const found = [];
  for (const connection of report.connections()) {
    if (connection.state === "closed" || connection.state === "failed") continue;
    const reported = toldOf(connection.toJSON());
    if (left.get(connection.id) !== reported) found.push(`told ${left.get(connection.id)}, reported ${reported}`);
    left.delete(connection.id);
  }
  for (const each of left.values()) found.push(`told as living, not reported: ${each}`);
  return found;
}

async function counted(name) {
  const { values } = await registry.getSingleMetric(`conntrail_${name}`).get();
  return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(" "), value]));
}

const ANSWERS = {
  async sample() {
    channel.postMessage({ kind: "what do you hold" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const inside = { loopP99Ms: loop.percentile(99) / 1e6 - 1, loopWorstMs: loop.max / 1e6 - 1, heaps: { ...heaps } };
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    inside.heaps.host = { heapMb: heapUsed / 1e6, arraysMb: arrayBuffers / 1e6 };
    loop.reset();
    for (const name of Object.keys(heaps)) delete heaps[name];
    return inside;
  },
  async state() {
    return {
      state: reporter.state,
      health: latest?.health,
      restarts: await counted("worker_restarts_total"),
      deliveries: await counted("sink_deliveries_total"),
      said,
      nameFailures: (await counted("name_failures_total"))[""] ?? 0,
      told: { ...told, faults: told.faults.slice(0, 5), guests, living: living.size },
    };
  },
  async report() {
    const report = await reporter.report();
    return { report: report.toJSON(), differences: differences(report) };
  },
  /** What an agent does now and then. */
  async poke() {
    const changes = reporter.changes();
    const { value: first } = await changes.next();
    await changes.return();
    const [one] = [...first.connections()];
    const why = one && (await reporter.explain(one));
    return { living: first.length, explained: why !== undefined };
  },
  async fail({ name, how }) {
    channel.postMessage({ kind: "fail", name, how });
    return {};
  },
};

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { id, ask, ...rest } = JSON.parse(line);
    try {
      console.log(JSON.stringify({ id, ...(await ANSWERS[ask](rest)) }));
    } catch (error) {
      console.log(JSON.stringify({ id, error: error.message }));
    }
  })
  .on("close", async () => {
    await reporter.close();
    process.exit(0);
  });

await reporter.ready;
console.log(JSON.stringify({ id: 0, ready: true }));
