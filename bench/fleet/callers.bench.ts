/**
 * A day of many hosts in the summed tables, asked for the callers of one service: one that two hosts in a hundred call, and one that all do. The rows are
 * made by the engine itself: each host calls 12 services in every five minutes, and each call is told by both hosts, as the model of a fleet does.
 */
import type { OpenStore } from "@conntrail/store";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";
import { firstRow, freshStore, storeObstacle } from "./fleet-store.ts";

const DAY_S = 86_400;
/** The start of yesterday, UTC. */
const START_S = (Math.floor(Date.now() / 86_400_000) - 1) * DAY_S;
const CALLED = 12;

export const cases: readonly BenchCase[] = [
  ...[100, 1000, 10_000].map((hosts) => callersCase("edges_1h", hosts, 3600)),
  ...[100, 1000].map((hosts) => callersCase("edges_5m", hosts, 300)),
];

function callersCase(table: "edges_1h" | "edges_5m", hosts: number, bucketS: number): BenchCase {
  const measure = (context: MeasureContext): Promise<readonly Figure[]> => measureDay(table, hosts, bucketS, context);
  return { kind: "measured", name: `fleet/callers-${table}/${hosts}`, needs: storeObstacle, samples: 1, measure };
}

async function measureDay(
  table: "edges_1h" | "edges_5m",
  hosts: number,
  bucketS: number,
  { progress }: MeasureContext,
): Promise<readonly Figure[]> {
  await using store = await freshStore();
  progress(`fleet/callers: a day of ${hosts} hosts into ${table}`);
  await fill(store, table, hosts, bucketS);
  const { rows, bytes } = await firstRow(
    store,
    `SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND database = '${store.database}' AND table = '${table}'`,
  );
  const view = table === "edges_1h" ? "callers_1h" : "callers_5m";
  const day = `since = '${moment(START_S)}', until = '${moment(START_S + DAY_S)}'`;
  const figure = (name: string, unit: string, value: number): Figure => ({ name, unit, value, size: hosts });
  const figures = [figure("rows", "", Number(rows)), figure("a row on disk", "B", Number(bytes) / Number(rows))];
  for (const [name, port] of [
    ["a service", 1030],
    ["what all call", 53],
  ] as const) {
    const times: number[] = [];
    const before = process.cpuUsage();
    let callers = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      const began = performance.now();
      const asked = `SELECT count() AS n, sum(opened) AS opened FROM (SELECT * FROM ${view}(${day}) WHERE to_port = ${port} ORDER BY opened DESC)`;
      callers = Number((await firstRow(store, asked)).n);
      times.push(performance.now() - began);
    }
    const { user, system } = process.cpuUsage(before);
    figures.push(
      figure(`${name}: callers`, "", callers),
      { ...figure(`${name}: time`, "ms", Math.min(...times)), target: { atMost: 1000, note: "fleet" } },
      figure(`${name}: CPU`, "ms", (user + system) / 1000 / TURNS),
    );
  }
  return figures;
}

const TURNS = 5;

/** The rows of a day: `CALLED` services a host and bucket, the first of them one that every host calls; each told twice. */
async function fill(store: OpenStore, table: string, hosts: number, bucketS: number): Promise<void> {
  const services = Math.max(50, Math.floor(hosts / 5));
  const address = (host: string): string =>
    `toIPv6(concat('10.1.', toString(intDiv(${host}, 250)), '.', toString(${host} % 250)))`;
  const name = (host: string): string => `concat('host-', leftPad(toString(${host}), 5, '0'))`;
  for (let bucket = 0; bucket < DAY_S / bucketS; bucket++) {
    await store.client.command({
      query: `INSERT INTO ${table} WITH intDiv(intDiv(number, 2), ${CALLED}) AS client, intDiv(number, 2) % ${CALLED} AS call, number % 2 = 0 AS by_client,
          if(call = 0, 0, cityHash64(client, call) % ${services}) AS service, cityHash64(service) % ${hosts} AS server, cityHash64(number, ${bucket}) AS random
        SELECT toDateTime(${START_S + bucket * bucketS}, 'UTC'), 'model', 'tcp', if(call = 0, 53, 1024 + service), ${address("server")}, ${address("client")},
          if(by_client, ${name("client")}, ${name("server")}), if(by_client, concat('caller-', toString((client % 50) * 3 + call % 3)), ''),
          if(by_client, '', concat('service-', toString(service))), by_client, NOT by_client,
          1 + random % 20, 1 + random % 20, random % 500 = 0, random % 40000, random % 900000
        FROM numbers(${2 * CALLED * hosts})`,
    });
  }
  await store.client.command({ query: `OPTIMIZE TABLE ${table} FINAL` });
}

function moment(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}
