/** `conntrail history` as people use it: over the engine in its own process, and over HTTP. */
import { join } from "node:path";
import { clickhouse, migrate, openStore } from "@conntrail/store";
import { expect } from "vitest";
import { runConntrail } from "../lab/index.ts";
import { makeOwner, type Row } from "../report/content.ts";
import { startChdbServer } from "./chdb-server.ts";
import { chdbTest } from "./chdb-test.ts";
import { reportOf } from "./reports.ts";

const START_MS = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;
const UTC = { env: { TZ: "UTC" }, timeoutMs: 60_000 };

chdbTest(
  "history tells who talked to whom at a time of day, and says what helps where there is nothing to ask",
  async (folder) => {
    const database = join(folder, "db");
    const server = await startChdbServer(database);
    const embedded = ["history", "--clickhouse", `chdb:${database}`];
    try {
      const store = await openStore(server.url);
      await migrate(store);
      await store.client.close();
      const sink = clickhouse({ url: server.url, batchMs: 5, intervalMs: 60_000 });
      const signal = new AbortController().signal;
      await sink.deliver(
        { report: reportOf(START_MS, 70, [LIVING, ended("10.0.0.9 443"), ended("10.0.0.9 443")]) },
        signal,
      );
      await sink.deliver({ report: reportOf(START_MS, 200, [LIVING]) }, signal);
      await sink.close();
      expect(sink.status).toMatchObject({ sentRows: 4, lostRows: 0, waitingRows: 0 });
      const busy = await runConntrail(undefined, [...embedded, "now"], UTC);
      expect(busy).toMatchObject({ code: 1, stdout: "" });
      expect(busy.stderr).toContain("one process at a time may have it");
      const wire = await runConntrail(undefined, ["history", "--clickhouse", server.url, minute(1)], UTC);
      expect(wire).toMatchObject({ code: 0, stderr: "" });
      expect(wire.stdout.split("\n").filter((line) => line !== "")).toHaveLength(3);
    } finally {
      await server.kill();
    }
    const then = await runConntrail(undefined, [...embedded, minute(1), "--format", "table"], UTC);
    expect(then).toMatchObject({ code: 0, stderr: "" });
    expect(then.stdout.replace(/\d{4}-\d\d-\d\d /g, "").replaceAll(/\d\d(:\d\d:\d\d)/g, "hh$1")).toMatchInlineSnapshot(`
      "Connections of hh:01:00 to hh:02:00

      FROM          TO        SERVICE  CONNECTIONS  FIRST     LAST
      curl @ web-1  10.0.0.9  443/tcp            2  hh:01:09  hh:01:10
      sshd @ web-1  10.0.0.7  22/tcp             1  hh:00:10  hh:03:20
      "
    `);
    const later = await runConntrail(undefined, [...embedded, minute(3)], UTC);
    expect(JSON.parse(later.stdout)).toMatchObject({
      from_process: "sshd",
      from_address: "10.0.0.1",
      to_address: "10.0.0.7",
      to_port: 22,
    });
    const filtered = await runConntrail(undefined, [...embedded, minute(0), minute(5), "--port", "443"], UTC);
    expect(filtered.stdout.split("\n")).toHaveLength(3);
    const before = await runConntrail(undefined, [...embedded, "2d"], UTC);
    expect(before).toMatchObject({ code: 0, stdout: "" });
    expect(before.stderr).toMatch(/^conntrail: nothing was told of \d{4}-/);
    const nowhere = await runConntrail(undefined, ["history", "--clickhouse", `chdb:${folder}/typo`], UTC);
    expect(nowhere).toMatchObject({ code: 1, stdout: "" });
    expect(nowhere.stderr).toContain("there is no store; 'conntrail watch --clickhouse chdb:");
  },
  400_000,
);

const LIVING: Row = {
  from: "10.0.0.1 40000",
  to: "10.0.0.7 22",
  flags: ["fromLocal"],
  fromOwner: makeOwner(9, "sshd"),
  ageMs: 60_000,
};

let port = 20_000;
function ended(to: string): Row {
  return {
    from: `10.0.0.1 ${port++}`,
    to,
    state: "closed",
    flags: ["fromLocal"],
    fromOwner: makeOwner(7, "curl"),
    ageMs: 50,
  };
}

/** The minute of that number after the start, as people write it. */
function minute(number: number): string {
  return new Date(START_MS + number * 60_000).toISOString().slice(11, 16);
}
