/** The edges of a fleet against the truth of its model: clients, balancers, gateways and servers with wrong clocks. */
import { ask, insertBatch, migrate, type OpenStore, openStore } from "@conntrail/store";
import { expect } from "vitest";
import { fleetBatches } from "../lab/fleet-batch.ts";
import { type Fleet, fleet, type TrueEdge } from "../lab/fleet-model.ts";
import { chdbTest } from "./chdb-test.ts";

// Of today: the tables forget what is older than a month.
const START_MS = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;
const SPAN_MS = 600_000;

chdbTest(
  "every connection that both hosts told is one edge with both processes, through NAT or not, and no other is",
  async (folder) => {
    const store = await openStore(`chdb:${folder}/db`);
    try {
      expect(await migrate(store)).not.toEqual([]);
      expect(await migrate(store), "a second time there is nothing to do").toEqual([]);
      const model = fleet({ hosts: 60, connections: 6000, seed: 7, startMs: START_MS, spanMs: SPAN_MS, lost: 0.05 });
      await load(store, model);

      const asked = { sinceMs: START_MS - 60_000, untilMs: START_MS + SPAN_MS + 120_000, limit: 100_000 };
      const edges = await ask(store, "edges", asked);
      const found = new Set(edges.map(keyOfRow));
      const truth = new Set(model.truth.map(keyOfTruth));
      expect(found.size, "no edge twice").toBe(edges.length);
      expect(
        [...found].filter((key) => !truth.has(key)),
        "wrong edges",
      ).toEqual([]);
      expect(
        [...truth].filter((key) => !found.has(key)),
        "missing edges",
      ).toEqual([]);
      expect(new Set(edges.map(({ via }) => (via as string[]).length))).toEqual(new Set([0, 1, 2]));

      const unknown = await ask(store, "unknown", asked);
      expect(model.unknowable()).toBeGreaterThan(100);
      expect(unknown.length, "halves whose partner was lost").toBeGreaterThan(model.unknowable() / 2);
      expect(new Set(unknown.map(({ reason }) => reason))).toEqual(new Set(["partner-silent", "no-agent-there"]));

      const services = await ask(store, "services", { ...asked, limit: 1000 });
      const inSums = services.reduce((sum, { opened }) => sum + Number(opened), 0);
      const [served] = await rowsOf(store, "SELECT sum(opened) AS n FROM connections WHERE to_local");
      expect(inSums, "the summed table counts what the rows count").toBe(Number(served!.n));

      const [service] = services.filter(({ opened }) => Number(opened) > 100);
      const one = { ...asked, port: Number(service!.port), address: service!.address as string };
      const callers = await ask(store, "callers", one);
      expect(callers.length).toBe(Number(service!.callers));
      const calls = callers.reduce((sum, { opened }) => sum + Number(opened), 0);
      expect(calls, "what only one end told is counted too").toBeGreaterThanOrEqual(Number(service!.opened));
      for (const { from_host, from_processes } of callers) {
        expect((from_processes as string[]).length > 0, "callers that are hosts have their processes").toBe(
          from_host !== "",
        );
      }
      const long = await ask(store, "callers", { ...one, sinceMs: one.sinceMs - 3 * 86_400_000 });
      expect(long, "the same from sums of hours").toEqual(callers);

      const later = { ...asked, baselineMs: asked.sinceMs, sinceMs: START_MS + 300_000 };
      const news = await ask(store, "new", later);
      const all = await ask(store, "new", { ...asked, baselineMs: asked.sinceMs - 86_400_000 });
      expect(news.length).toBeGreaterThan(0);
      expect(news.length).toBeLessThan(all.length);
    } finally {
      await store.client.close();
    }
  },
);

function keyOfRow(row: Record<string, unknown>): string {
  return [
    row.client_host,
    row.client_process,
    row.client_address,
    row.client_port,
    row.server_host,
    row.server_process,
  ].join(" ");
}

function keyOfTruth(edge: TrueEdge): string {
  return [edge.client, edge.clientProcess, edge.clientAddress, edge.clientPort, edge.server, edge.serverProcess].join(
    " ",
  );
}

/** Inserts a fleet's rows in batches, each of them twice: the second time must change nothing. */
async function load(store: OpenStore, model: Fleet): Promise<void> {
  let total = 0;
  for await (const batch of fleetBatches(model.rows(), 2000, "model")) {
    await insertBatch(store, batch, AbortSignal.timeout(60_000));
    await insertBatch(store, batch, AbortSignal.timeout(60_000));
    total += batch.rows;
  }
  const [counted] = await rowsOf(store, "SELECT count() AS n FROM connections");
  expect(Number(counted!.n), "each batch is taken once").toBe(total);
}

async function rowsOf(store: OpenStore, query: string): Promise<Record<string, unknown>[]> {
  return (await store.client.query({ query, format: "JSONEachRow" })).json();
}
