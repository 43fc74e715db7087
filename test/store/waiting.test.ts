/** What becomes of rows without a server and without `chdb`: the bounds of memory and spool, and the errors. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClickhouseSink, clickhouse, isStoreError, openStore, type StoreStatus } from "@conntrail/store";
import { afterEach, beforeEach, expect, test } from "vitest";
import { kernelTest } from "../lab/kernel-test.ts";
import { closed, reportOf } from "./reports.ts";
import { startTakingServer } from "./taking-server.ts";

const NOBODY = "http://127.0.0.1:1";
const NEVER = new AbortController().signal;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "conntrail-store-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("without a spool, what finds no room in memory is lost and counted", async () => {
  const sink = clickhouse({ url: NOBODY, batchRows: 10, memoryBatches: 3 });
  for (let sequence = 1; sequence <= 10; sequence++) await deliver(sink, sequence, 100);
  expect(sink.status.waitingRows + sink.status.lostRows).toBe(1000);
  expect(sink.status.lostRows).toBeGreaterThan(0);
  await sink.close();
  expect(sink.status).toMatchObject({ sentRows: 0, waitingRows: 0, lostRows: 1000 });
});

test("a full spool drops its oldest batches and counts their rows", async () => {
  const sink = clickhouse({ url: NOBODY, spool: folder, spoolBytes: 4000, batchRows: 50, memoryBatches: 1 });
  for (let sequence = 1; sequence <= 20; sequence++) await deliver(sink, sequence, 50);
  await sink.close();
  const { waitingRows, lostRows } = sink.status;
  expect(waitingRows + lostRows).toBe(1000);
  expect(lostRows).toBeGreaterThan(0);
  expect(waitingRows).toBeGreaterThan(0);
  const files = readdirSync(folder).map((name) => statSync(join(folder, name)));
  expect(files.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(4000);
  expect(new Set(files.map(({ mode }) => mode & 0o777)), "nobody else reads them").toEqual(new Set([0o600]));
});

test("a batch that a full spool drops while the server takes it is not lost, and the one behind it is sent", async () => {
  await using server = await startTakingServer();
  const sink = clickhouse({
    url: server.url,
    migrate: true,
    spool: folder,
    spoolBytes: 4000,
    batchRows: 50,
    memoryBatches: 1,
  });
  // The first is under way from memory, the others wait on disk; then the first of those is under way.
  for (let sequence = 1; sequence <= 4; sequence++) await deliver(sink, sequence, 50);
  await server.isHolding(1);
  server.release();
  await server.isHolding(2);
  for (let sequence = 5; sequence <= 20; sequence++) await deliver(sink, sequence, 50);
  const waiting = readdirSync(folder).map((name) => name.slice(0, name.lastIndexOf("-")));
  server.releaseAll();
  await expect.poll(() => sink.status.waitingRows, { timeout: 15_000 }).toBe(0);
  await sink.close();
  expect(server.tokens()).toEqual(expect.arrayContaining(waiting));
  const { sentRows, lostRows } = sink.status;
  expect(lostRows).toBeGreaterThan(0);
  expect({ sentRows, lostRows }).toEqual({ sentRows: server.rows(), lostRows: 1000 - server.rows() });
});

test("a spool that cannot be a folder is an error of its own", async () => {
  const sink = clickhouse({ url: NOBODY, spool: "/dev/null/spool" });
  await expect(deliver(sink, 1, 1)).rejects.toSatisfy(
    (error: unknown) => isStoreError(error) && error.code === "spool",
  );
});

kernelTest("a disk that fills up loses rows, tells it, and harms no delivery", async () => {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]);
  try {
    const told: StoreStatus[] = [];
    const sink = clickhouse({
      url: NOBODY,
      spool: join(folder, "spool"),
      batchRows: 500,
      memoryBatches: 1,
      onStatus: (status) => told.push(status),
    });
    for (let sequence = 1; sequence <= 30; sequence++) await deliver(sink, sequence, 500);
    await sink.close();
    expect(sink.status.waitingRows + sink.status.lostRows).toBe(15_000);
    expect(sink.status.lostRows).toBeGreaterThan(0);
    expect(told.map(({ error }) => error?.code)).toContain("spool");
  } finally {
    execFileSync("umount", [folder]);
  }
});

test.each([
  { address: "ftp://x", says: "expected http://host:8123" },
  { address: "nonsense", says: "expected http://host:8123" },
  { address: "chdb:", says: "expected a folder" },
  { address: "http://h:8123/bad-name", says: "database: expected letters" },
])("the address $address is refused with what was expected", async ({ address, says }) => {
  await expect(openStore(address)).rejects.toThrow(says);
});

test("chdb: without the package says how to get it, and how large it is", () => {
  const program = `import("@conntrail/store").then(({ openStore }) => openStore("chdb:/nowhere")).catch((e) => console.log(e.code, e.message))`;
  const { NODE_PATH: _, ...env } = process.env;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
    env,
    encoding: "utf8",
    cwd: import.meta.dirname,
  });
  expect(output).toMatch(/^chdb-missing .*npm install chdb \(543 MB\)/);
});

async function deliver(sink: ClickhouseSink, sequence: number, count: number): Promise<void> {
  await sink.deliver({ report: reportOf(Date.now(), sequence, closed(count, sequence)) }, NEVER);
}
