/** The wire over a real server, Debian's: too old for the schema, which it is told; its own words for a wrong password; gone in the middle; and how it reads a batch. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { COLUMNS, clickhouse, isStoreError, migrate, openStore, RowBlock, type StoreStatus } from "@conntrail/store";
import { expect, test } from "vitest";
import { fleetBatches } from "../lab/fleet-batch.ts";
import { fleet } from "../lab/fleet-model.ts";
import { runConntrail } from "../lab/index.ts";
import { KERNEL_SKIP, toolObstacle } from "../lab/kernel.ts";
import { startDebianServer } from "./debian-server.ts";
import { closed, reportOf } from "./reports.ts";

test("a server too old, a wrong password and a server that goes away are told with what would help, and rows wait", {
  timeout: 240_000,
}, async ({ skip }) => {
  const missing = toolObstacle(["clickhouse-server"]);
  if (missing !== undefined) skip(KERNEL_SKIP + missing);
  const folder = mkdtempSync(join(tmpdir(), "conntrail-wire-"));
  const server = await startDebianServer(join(folder, "server"));
  try {
    const right = server.url.replace("http://", "http://default:right@");
    const store = await openStore(right);
    await expect(migrate(store)).rejects.toSatisfy((error: unknown) => isStoreError(error) && error.code === "schema");
    await store.client.close();
    const command = await runConntrail(undefined, ["store", "migrate", "--clickhouse", right], { timeoutMs: 90_000 });
    expect(command).toMatchObject({ code: 1, stdout: "" });
    expect(command.stderr).toMatch(/^conntrail: schema: http:\S+ is ClickHouse 18\.16\.\d+; 24\.3 or later is needed/);
    expect(command.stderr).not.toContain("right");

    const wrong = await openStore(server.url.replace("http://", "http://default:wrong@"));
    await expect(migrate(wrong)).rejects.toThrow(/^refused: .*check the user, the password, its grants/);
    await wrong.client.close();

    const told: StoreStatus[] = [];
    const sink = clickhouse({
      url: right,
      spool: join(folder, "spool"),
      batchMs: 5,
      timeoutMs: 3000,
      onStatus: (status) => told.push(status),
    });
    const deliver = async (sequence: number): Promise<void> => {
      await sink.deliver(
        { report: reportOf(Date.now(), sequence, closed(20, sequence)) },
        new AbortController().signal,
      );
    };
    await deliver(1);
    await until(() => told.length > 0);
    expect(told[0]).toMatchObject({ state: "failed", error: { code: "schema" } });
    await server.kill();
    await deliver(2);
    await until(() => told.length > 1);
    expect(told[1]).toMatchObject({ state: "away", error: { code: "unreachable" } });
    await sink.close();
    expect(sink.status).toMatchObject({ sentRows: 0, waitingRows: 40, lostRows: 0 });
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a batch is one request that a real server reads as it is: gzipped columns, each row of them", {
  timeout: 240_000,
}, async ({ skip }) => {
  const missing = toolObstacle(["clickhouse-server"]);
  if (missing !== undefined) skip(KERNEL_SKIP + missing);
  const folder = mkdtempSync(join(tmpdir(), "conntrail-wire-"));
  const server = await startDebianServer(join(folder, "server"));
  const store = await openStore(server.url.replace("http://", "http://default:right@"));
  try {
    await store.useDatabase();
    const old = new RowBlock();
    const types = COLUMNS.map((name) => `${name} ${oldType(old.columns[name].type)}`);
    await store.client.command({
      query: `CREATE TABLE connections (${types.join(", ")}) ENGINE = MergeTree ORDER BY from_port`,
      clickhouse_settings: { allow_experimental_low_cardinality_type: 1 } as Record<string, number>,
    });
    const model = fleet({ hosts: 30, connections: 3000, seed: 5, startMs: Date.now() - 600_000, spanMs: 500_000 });
    const rows = [...model.rows()];
    for await (const batch of fleetBatches(rows, 2500, "wire")) {
      const bytes = gzipSync(asOld(gunzipSync(batch.bytes)));
      // Of the settings only those that it knows.
      const settings = { input_format_skip_unknown_fields: 0 };
      const signal = AbortSignal.timeout(60_000);
      await store.insertPacked({ ...batch, bytes }, { settings, signal });
    }
    const texts = ["host", "protocol", "from_process", "to_process", "nat", "event", "evidence", "state"];
    const numbers = ["from_port", "to_port", "from_pid", "to_pid", "from_bytes", "to_packets", "duration_ms", "opened"];
    const result = await store.client.query({
      query: `SELECT ${texts.map((name) => `toString(${name})`).join(", ")}, ${numbers.join(", ")}, IPv6NumToString(to_address) FROM connections`,
      format: "TabSeparated",
    });
    const told = (await result.text()).trimEnd().split("\n");
    const meant = rows.map((row) =>
      [...texts, ...numbers]
        .map((name) => row[name])
        .concat(`::ffff:${row.to_address}`)
        .join("\t"),
    );
    expect(told.sort()).toEqual(meant.sort());
  } finally {
    await store.client.close();
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** What 18.16 calls the types that it does not have: the bytes are the same. */
const OLD_TYPES: Readonly<Record<string, string>> = {
  IPv6: "FixedString(16)",
  Bool: "UInt8",
  "DateTime64(3, 'UTC')": "UInt64",
};

function oldType(type: string): string {
  return OLD_TYPES[type] ?? type;
}

/** A block with the old names of types: a type stands behind its length. */
function asOld(block: Buffer): Buffer {
  let text = block.toString("latin1");
  for (const [type, old] of Object.entries(OLD_TYPES)) {
    text = text.replaceAll(behindLength(type), behindLength(old));
  }
  return Buffer.from(text, "latin1");
}

function behindLength(text: string): string {
  return String.fromCharCode(text.length) + text;
}

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("it did not come to pass");
    await sleep(20);
  }
}
