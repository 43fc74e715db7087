/**
 * Many hosts in one store: what an insertion costs, what a connection takes on disk, and whether the two halves of each connection are found, and how
 * long that takes, at 100, 1,000 and 10,000 hosts. The engine is that of `chdb`, in this process; times of a busy machine are of little worth, so CPU stands beside them.
 */
import type { Batch, OpenStore } from "@conntrail/store";
import { fleetBatches } from "@conntrail/test/lab/fleet-batch";
import { type Fleet, fleet, type TrueEdge } from "@conntrail/test/lab/fleet-model";
import type { FleetRow } from "@conntrail/test/lab/fleet-row";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";
import { firstRow, freshStore, insertAll, storeObstacle } from "./fleet-store.ts";

/** Of today: the tables forget what is old. */
const START_MS = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;
const SPAN_MS = 600_000;
/** Five connections a minute and host. */
const CONNECTIONS_PER_HOST = 50;
/** The sink's. */
const BATCH_ROWS = 50_000;
/** Two hosts' worth of senders: the machine has two cores. */
const SENDERS = 2;

export const cases: readonly BenchCase[] = [
  { kind: "measured", name: "fleet/insert", needs: storeObstacle, samples: 3, measure: measureInsertion },
  ...[100, 1000, 10_000, 50_000].map(
    (rows): BenchCase => ({
      kind: "measured",
      name: `fleet/batch/${rows}`,
      needs: storeObstacle,
      samples: 1,
      measure: () => measureBatches(rows),
    }),
  ),
  ...[100, 1000, 10_000].map(
    (hosts): BenchCase => ({
      kind: "measured",
      name: `fleet/edges/${hosts}`,
      needs: storeObstacle,
      samples: 1,
      measure: (context) => measureEdges(hosts, context),
    }),
  ),
];

function model(hosts: number): Fleet {
  const connections = hosts * CONNECTIONS_PER_HOST;
  return fleet({ hosts, connections, seed: 3, startMs: START_MS, spanMs: SPAN_MS, lost: 0.01, restarts: 0.05 });
}

let packed: readonly Batch[] | undefined;

/**
 * 2 senders at once, batches of 50,000 rows: a row is what one host tells of one connection, and a batch mixes 3,000 hosts, of which
 * hardly two rows can be summed up; the batches of one busy host are cheaper.
 */
async function measureInsertion(): Promise<readonly Figure[]> {
  packed ??= await firstBatches(model(3000).rows(), 6);
  await using store = await freshStore();
  await insertAll(store, packed.slice(0, 1), "-warm");
  const clock = startClock();
  const halves = Array.from({ length: SENDERS }, (_, sender) => packed!.filter((_, i) => i % SENDERS === sender));
  await Promise.all(halves.map((batches) => insertAll(store, batches)));
  const rows = packed.reduce((sum, batch) => sum + batch.rows, 0);
  const { elapsedMs, cpuMs } = clock();
  return [
    { name: "rows", unit: "rows/s", value: (rows / elapsedMs) * 1000 },
    {
      name: "CPU",
      unit: "µs/row",
      value: (cpuMs / rows) * 1000,
      target: { atMost: 20, note: "100,000 rows/s on 2 cores" },
    },
  ];
}

/** The first `count` batches. */
async function firstBatches(rows: Iterable<FleetRow>, count: number, size: number = BATCH_ROWS): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of fleetBatches(rows, size, "insert")) {
    batches.push(batch);
    if (batches.length === count) break;
  }
  return batches;
}

/** What a batch costs by its size: the smaller, the more of it is not for rows. */
async function measureBatches(size: number): Promise<readonly Figure[]> {
  await using store = await freshStore();
  const batches = await firstBatches(model(size < 1000 ? 100 : 1000).rows(), 20, size);
  await insertAll(store, batches.slice(0, 1), "-warm");
  const clock = startClock();
  const rows = await insertAll(store, batches);
  const { cpuMs } = clock();
  return [
    { name: "CPU a row", unit: "µs", value: (cpuMs / rows) * 1000, size },
    { name: "CPU a batch", unit: "ms", value: cpuMs / batches.length, size },
  ];
}

async function measureEdges(hosts: number, { progress }: MeasureContext): Promise<readonly Figure[]> {
  await using store = await freshStore();
  const made = model(hosts);
  progress(`fleet/edges: inserting ${hosts} hosts`);
  const rows = await insertAll(store, fleetBatches(made.rows(), BATCH_ROWS, "edges"));
  for (const table of ["connections", "edges_5m", "edges_1h"]) {
    await store.client.command({ query: `OPTIMIZE TABLE ${table} FINAL` });
  }
  const connections = made.truth.length + made.unknowable();
  const bytes = async (table: string): Promise<number> => {
    const where = `active AND database = '${store.database}' AND table LIKE '${table}'`;
    return Number((await firstRow(store, `SELECT sum(bytes_on_disk) AS n FROM system.parts WHERE ${where}`)).n);
  };
  const own = await bytes("connections");
  progress(`fleet/edges: asking for all edges of ${hosts} hosts`);
  const { found, twice } = await askAll(store);
  const truth = new Set(made.truth.map(keyOf));
  const wrong = [...found].filter((key) => !truth.has(key)).length;
  const missing = [...truth].filter((key) => !found.has(key)).length;
  const figure = (name: string, unit: string, value: number): Figure => ({ name, unit, value, size: hosts });
  return [
    figure("rows", "", rows),
    figure("connections", "", connections),
    {
      ...figure("known edges joined", "%", 100 * (1 - missing / truth.size)),
      target: { atLeast: 99.9, note: "fleet" },
    },
    { ...figure("wrong edges", "", wrong), target: { atMost: 0, note: "fleet" } },
    figure("edges told twice", "", twice),
    figure("a row on disk", "B", own / rows),
    {
      ...figure("a connection told by two hosts, on disk", "B", (2 * own) / rows),
      target: { atMost: 40, note: "fleet" },
    },
    figure("a connection of the model, on disk", "B", own / connections),
    figure("the same with the summed tables", "B", (own + (await bytes("edges_%"))) / connections),
    ...(await timedEdges(store, hosts, "a minute", 60_000)),
    ...(await timedEdges(store, hosts, "five minutes", 300_000)),
    ...(await timedEdges(store, hosts, "a service in a minute", 60_000, "server_port = 1024 OR called_port = 1024")),
  ];
}

/** Every edge of the whole stretch, and how many came more than once. */
async function askAll(store: OpenStore): Promise<{ readonly found: ReadonlySet<string>; readonly twice: number }> {
  const columns =
    "client_host, client_process, IPv6NumToString(client_address), client_port, server_host, server_process";
  const query = `SELECT ${columns} FROM ${edgesOf(START_MS - 60_000, START_MS + SPAN_MS + 120_000)}`;
  const text = await (await store.client.query({ query, format: "TabSeparated" })).text();
  const lines = text.replaceAll("::ffff:", "").split("\n").slice(0, -1);
  const found = new Set(lines);
  return { found, twice: lines.length - found.size };
}

async function timedEdges(store: OpenStore, hosts: number, name: string, spanMs: number, where = "1") {
  const sinceMs = START_MS + 120_000;
  const clock = startClock();
  const { n } = await firstRow(store, `SELECT count() AS n FROM ${edgesOf(sinceMs, sinceMs + spanMs)} WHERE ${where}`);
  const { elapsedMs, cpuMs } = clock();
  return [
    { name: `${name}: edges`, unit: "", value: Number(n), size: hosts },
    { name: `${name}: time`, unit: "ms", value: elapsedMs, size: hosts },
    { name: `${name}: CPU`, unit: "ms", value: cpuMs, size: hosts },
  ];
}

function edgesOf(sinceMs: number, untilMs: number): string {
  return `edges(since = '${moment(sinceMs)}', until = '${moment(untilMs)}', skew_ms = 2000)`;
}

function moment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

function keyOf(edge: TrueEdge): string {
  return [edge.client, edge.clientProcess, edge.clientAddress, edge.clientPort, edge.server, edge.serverProcess].join(
    "\t",
  );
}

/** Wall clock and CPU of this process, the engine's threads included. */
function startClock(): () => { readonly elapsedMs: number; readonly cpuMs: number } {
  const began = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { elapsedMs: performance.now() - began, cpuMs: (user + system) / 1000 };
  };
}
