/** A store of a bench's own: the engine of `chdb` in this process, a folder that is gone afterwards. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Batch, insertBatch, migrate, type OpenStore, openStore } from "@conntrail/store";

/** Why there is no store here; `undefined` where `chdb` is installed (NODE_PATH names the folder). */
export function storeObstacle(): string | undefined {
  try {
    createRequire(import.meta.url).resolve("chdb/connection");
    return undefined;
  } catch {
    return "chdb is not installed (npm install --prefix DIR chdb@3.4.0, NODE_PATH=DIR/node_modules)";
  }
}

let folder: string | undefined;
let databases = 0;

/** An empty database with the schema in it. The engine allows one folder a process, so all of them are in one, which goes with the process. */
export async function freshStore(): Promise<OpenStore & AsyncDisposable> {
  if (folder === undefined) {
    const made = mkdtempSync(join(process.env.CONNTRAIL_BENCH_FOLDER ?? tmpdir(), "conntrail-fleet-"));
    folder = made;
    process.on("exit", () => rmSync(made, { recursive: true, force: true }));
  }
  const store = await openStore(`chdb:${folder}`, { database: `fleet_${databases++}`, timeoutMs: 600_000 });
  await migrate(store);
  return Object.assign(store, {
    async [Symbol.asyncDispose](): Promise<void> {
      await store.client.command({ query: `DROP DATABASE ${store.database}` });
      await store.client.close();
    },
  });
}

/** Inserts batches one after another, as one sender does, and gives the number of their rows. `again` makes names new, so that a batch counts once more. */
export async function insertAll(
  store: OpenStore,
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  again = "",
): Promise<number> {
  let rows = 0;
  for await (const batch of batches) {
    await insertBatch(store, { ...batch, token: batch.token + again }, AbortSignal.timeout(600_000));
    rows += batch.rows;
  }
  return rows;
}

/** The first row of an answer. */
export async function firstRow(store: OpenStore, query: string): Promise<Readonly<Record<string, unknown>>> {
  const [row] = await (await store.client.query({ query, format: "JSONEachRow" })).json<Record<string, unknown>>();
  if (row === undefined) throw new Error(`no answer: ${query}`);
  return row;
}
