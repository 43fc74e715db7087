/** The wire over a real server, Debian's: too old for the schema, which it is told; its own words for a wrong password; and gone in the middle. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { clickhouse, isStoreError, migrate, openStore, type StoreStatus } from "@conntrail/store";
import { expect, test } from "vitest";
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

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("it did not come to pass");
    await sleep(20);
  }
}
