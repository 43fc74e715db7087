/** The sink over HTTP: what it tells of living and of ended connections, and what becomes of rows while the server is away, refuses or hangs. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type ClickhouseSink, clickhouse, migrate, openStore, type StoreStatus } from "@conntrail/store";
import { expect } from "vitest";
import { type ChdbServer, startChdbServer } from "./chdb-server.ts";
import { chdbTest } from "./chdb-test.ts";
import { closed, reportOf } from "./reports.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const START_MS = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;
const NEVER = new AbortController().signal;
/** How long the server is away: a second, in which 8,000 rows wait; a minute by hand. */
const OUTAGE_SECONDS = Number(process.env.CONNTRAIL_OUTAGE_SECONDS ?? 1);
/** What a minute's rows would take as text is more than twice this. */
const MEMORY_BYTES = 32 << 20;

chdbTest(
  "a living connection is told at its interval, each row with what is new, and once as ended",
  async (folder) => {
    const server = await startChdbServer(join(folder, "db"));
    try {
      await made(server);
      const sink = clickhouse({ url: server.url, intervalMs: 2000, batchMs: 10 });
      const living = (bytes: number) => ({
        from: "10.0.0.1 40000",
        to: "10.0.0.9 443",
        counters: [bytes, bytes * 10, bytes, bytes * 100] as const,
      });
      await deliver(sink, 1, [living(5)]);
      await deliver(sink, 2, [living(6)]);
      await deliver(sink, 3, [living(9)]);
      await deliver(sink, 4, [
        { ...living(12), state: "closed" },
        ...closed(3, 4),
        { from: "10.0.0.1 40001", to: "10.0.0.9 443", state: "failed" },
        { from: "10.0.0.1 40002", to: "10.0.0.9 443" },
      ]);
      await sink.close();
      expect(sink.status).toMatchObject({ state: "closed", sentRows: 8, lostRows: 0, waitingRows: 0 });
      const rows = await ask(
        server,
        "SELECT event, opened, closed, failed, from_bytes, to_bytes FROM connections WHERE from_port = 40000 ORDER BY time",
      );
      expect(rows).toEqual([
        { event: "live", opened: 1, closed: 0, failed: 0, from_bytes: 50, to_bytes: 500 },
        { event: "live", opened: 0, closed: 0, failed: 0, from_bytes: 40, to_bytes: 400 },
        { event: "closed", opened: 0, closed: 1, failed: 0, from_bytes: 30, to_bytes: 300 },
      ]);
      const [sums] = await ask(
        server,
        "SELECT sum(opened) AS opened, sum(closed) AS closed, sum(failed) AS failed, uniqExact(first_seen) > 0 AS any FROM connections",
      );
      expect(sums).toEqual({ opened: 6, closed: 4, failed: 1, any: 1 });
    } finally {
      await server.kill();
    }
  },
);

chdbTest(
  "a server killed under load loses nothing and gets nothing twice; the spool is empty afterwards",
  async (folder) => {
    const spool = join(folder, "spool");
    let server = await startChdbServer(join(folder, "db"));
    const states: string[] = [];
    const away = 5 + OUTAGE_SECONDS * 20;
    const all = away + 5;
    try {
      await made(server);
      const sink = clickhouse({
        url: server.url,
        spool,
        batchMs: 20 * OUTAGE_SECONDS,
        batchRows: 100 * OUTAGE_SECONDS,
        memoryBatches: 2,
        timeoutMs: 5000,
        onStatus: ({ state }) => states.push(state),
      });
      for (let sequence = 1; sequence <= 5; sequence++) await deliver(sink, sequence, closed(400, sequence));
      await server.kill();
      const before = memoryBytes();
      for (let sequence = 6; sequence <= away; sequence++) {
        await deliver(sink, sequence, closed(400, sequence));
        await sleep(50);
      }
      expect(readdirSync(spool).length, "waiting on disk").toBeGreaterThan(10);
      const grown = memoryBytes() - before;
      expect(grown, "memory is flat while the spool grows").toBeLessThan(MEMORY_BYTES);
      server = await startChdbServer(join(folder, "db"), server.port);
      for (let sequence = away + 1; sequence <= all; sequence++) await deliver(sink, sequence, closed(400, sequence));
      await until(() => sink.status.waitingRows === 0, 100_000 + OUTAGE_SECONDS * 10_000);
      await sink.close();
      expect(sink.status.lostRows).toBe(0);
      expect(readdirSync(spool)).toEqual([]);
      expect(states).toEqual(["away", "ok", "closed"]);
      expect(
        await ask(
          server,
          "SELECT count() AS rows, uniqExact(time, from_address, from_port) AS connections FROM connections",
        ),
      ).toEqual([{ rows: all * 400, connections: all * 400 }]);
      expect(await ask(server, "SELECT sum(opened) AS opened FROM edges_5m")).toEqual([{ opened: all * 400 }]);
    } finally {
      await server.kill();
    }
  },
);

chdbTest("what an earlier run left in the spool is sent first by the next one", async (folder) => {
  const spool = join(folder, "spool");
  const first = clickhouse({ url: "http://127.0.0.1:1", spool, batchMs: 5, memoryBatches: 1 });
  await deliver(first, 1, closed(10, 1));
  await first.close();
  expect(first.status).toMatchObject({ state: "closed", waitingRows: 10, lostRows: 0 });
  const server = await startChdbServer(join(folder, "db"));
  try {
    await made(server);
    const second = clickhouse({ url: server.url, spool, batchMs: 5 });
    await deliver(second, 2, closed(5, 2));
    await until(() => second.status.sentRows === 15);
    await second.close();
    expect(await ask(server, "SELECT count() AS n FROM connections")).toEqual([{ n: 15 }]);
    expect(readdirSync(spool)).toEqual([]);
  } finally {
    await server.kill();
  }
});

chdbTest(
  "wrong password, missing tables and a server that hangs are told once each, with what would help, and no delivery waits for them",
  async (folder) => {
    const server = await startChdbServer(join(folder, "db"));
    const hanging = await startChdbServer(join(folder, "other"), 0, { HANG: "1" });
    try {
      const told = async (url: string): Promise<StoreStatus[]> => {
        const statuses: StoreStatus[] = [];
        const sink = clickhouse({
          url,
          spool: join(folder, `spool-${statuses.length}-${new URL(url).port}-${new URL(url).password}`),
          batchMs: 5,
          timeoutMs: 3000,
          onStatus: (status) => statuses.push(status),
        });
        const began = Date.now();
        for (let sequence = 1; sequence <= 3; sequence++) await deliver(sink, sequence, closed(20, sequence));
        expect(Date.now() - began, "a delivery only takes rows in").toBeLessThan(1000);
        await until(() => statuses.length > 0);
        await sink.close();
        expect(sink.status).toMatchObject({ waitingRows: 60, lostRows: 0 });
        return statuses;
      };
      const [wrong] = await told(server.url.replace("http://", "http://default:wrong@"));
      expect(wrong).toMatchObject({ state: "failed", error: { code: "refused" } });
      const [missing] = await told(server.url);
      expect(missing).toMatchObject({ state: "failed", error: { code: "schema" } });
      expect(missing!.error!.message).toContain("conntrail store migrate");
      const [late] = await told(hanging.url);
      expect(late).toMatchObject({ state: "away", error: { code: "unreachable" } });
    } finally {
      await server.kill();
      await hanging.kill();
    }
  },
);

async function made(server: ChdbServer): Promise<void> {
  const store = await openStore(server.url);
  await migrate(store);
  await store.client.close();
}

async function deliver(sink: ClickhouseSink, sequence: number, rows: Parameters<typeof reportOf>[2]): Promise<void> {
  await sink.deliver({ report: reportOf(START_MS, sequence, rows) }, NEVER);
}

async function ask(server: ChdbServer, query: string): Promise<unknown[]> {
  const store = await openStore(server.url);
  const rows = await (await store.client.query({ query, format: "JSONEachRow" })).json();
  await store.client.close();
  return numbers(rows as Record<string, unknown>[]);
}

/** 64-bit integers come as text. */
function numbers(rows: readonly Record<string, unknown>[]): unknown[] {
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [
        key,
        typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value,
      ]),
    ),
  );
}

/** Bytes that are in use, with what nothing refers to any more collected. */
function memoryBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function until(holds: () => boolean, limitMs = 100_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error("it did not come to pass");
    await sleep(50);
  }
}
