/**
 * A ClickHouse client from an address: `http(s)://[user[:password]@]host[:port][/database]`, or `chdb:PATH` for the engine in this process
 * (package `chdb`, optional: 543 MB installed, glibc on x64 and arm64; one process a folder).
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import type { Batch } from "./batch.ts";
import { COLUMNS, TYPED_COLUMNS } from "./row-block.ts";
import { StoreError } from "./store-error.ts";

/** How a store is reached. */
export interface StoreOptions {
  /** Longest time for one request, milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /** Database, unless the address names one. Default `conntrail`. */
  readonly database?: string;
}

/** A client and what it is connected to. Whoever opened it closes it: `client.close()`. */
export interface OpenStore {
  readonly client: ClickHouseClient;
  readonly database: string;
  /** The address without its password. */
  readonly label: string;
  /** True for the engine in this process. */
  readonly embedded: boolean;
  /** Inserts a batch into `connections`, as it is packed. */
  readonly insertPacked: (
    batch: Batch,
    options: { readonly settings: InsertSettings; readonly signal: AbortSignal },
  ) => Promise<void>;
  /** Makes the database when it is not there, and uses it. An embedded store has to be asked once before its tables are. */
  readonly useDatabase: () => Promise<void>;
}

/** Settings of one insertion. */
type InsertSettings = Readonly<Record<string, string | number>>;

/** Errors are thrown and told by whoever called; the client's own log would tell them a second time. */
const SILENT = { level: ClickHouseLogLevel.OFF } as const;

/** The database that is used when none is named. */
export const DEFAULT_DATABASE = "conntrail";

/** Opens a client; nothing is sent yet. Throws `StoreError` for an address that cannot be one, and when `chdb` is not installed. */
export async function openStore(address: string, options: StoreOptions = {}): Promise<OpenStore> {
  const database = databaseOf(address) ?? options.database ?? DEFAULT_DATABASE;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(database)) {
    throw new StoreError("rejected", `database: expected letters, digits and underscores, got "${database}"`);
  }
  const request_timeout = options.timeoutMs ?? 30_000;
  if (address.startsWith("chdb:")) {
    const path = address.slice("chdb:".length);
    if (path === "") throw new StoreError("rejected", "chdb: expected a folder, as in chdb:/var/lib/conntrail/history");
    const { createChdbConnection } = await loadChdb();
    const connection = openFolder(createChdbConnection, path);
    const client = createClient({ connection, request_timeout, log: SILENT });
    const useDatabase = async (): Promise<void> => {
      await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
      await client.command({ query: `USE ${database}` });
    };
    return {
      client,
      database,
      label: address,
      embedded: true,
      useDatabase,
      insertPacked: insertFile(client, database),
    };
  }
  const url = parseAddress(address);
  const settings = {
    url: url.origin,
    username: decodeURIComponent(url.username) || "default",
    password: decodeURIComponent(url.password),
    application: "conntrail",
    request_timeout,
    log: SILENT,
  };
  const client = createClient({ ...settings, database });
  const useDatabase = async (): Promise<void> => {
    const outside = createClient(settings);
    try {
      await outside.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
    } finally {
      await outside.close();
    }
  };
  return {
    client,
    database,
    label: `${url.origin}/${database}`,
    embedded: false,
    useDatabase,
    insertPacked: insertBody(client),
  };
}

/** A batch as the body of a request: what waited on disk goes out byte for byte. */
function insertBody(client: ClickHouseClient): OpenStore["insertPacked"] {
  return async ({ format, bytes }, { settings, signal }) => {
    const { stream } = await client.exec({
      query: `INSERT INTO connections (${COLUMNS.join(", ")}) FORMAT ${format}`,
      values: Readable.from([bytes], { objectMode: false }),
      http_headers: { "Content-Encoding": "gzip" },
      abort_signal: signal,
      clickhouse_settings: settings,
    });
    await finished(stream.resume());
  };
}

/** A batch as a file that the embedded engine reads: its own way in takes only text, which costs it seven times as much. */
function insertFile(client: ClickHouseClient, database: string): OpenStore["insertPacked"] {
  return async ({ format, bytes }, { settings }) => {
    const folder = await mkdtemp(join(tmpdir(), "conntrail-batch-"));
    try {
      const file = join(folder, "batch.gz");
      await writeFile(file, bytes, { mode: 0o600 });
      const names = COLUMNS.join(", ");
      await client.command({
        query: `INSERT INTO ${database}.connections (${names}) SELECT ${names} FROM file({file:String}, ${format}, {columns:String})`,
        query_params: { file, columns: TYPED_COLUMNS },
        clickhouse_settings: { ...settings, max_threads: 1, max_insert_threads: "1" },
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

/** The database that an address names in its path. */
function databaseOf(address: string): string | undefined {
  if (address.startsWith("chdb:")) return undefined;
  const name = parseAddress(address).pathname.slice(1);
  return name === "" ? undefined : name;
}

function parseAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new StoreError(
      "rejected",
      `address: expected http://host:8123, https://host:8443 or chdb:PATH, got "${address}"`,
    );
  }
  return url;
}

/** The engine says why on standard error, and throws that it could not. */
function openFolder(create: ChdbModule["createChdbConnection"], path: string): ReturnType<typeof create> {
  try {
    return create({ path });
  } catch (error) {
    const help = "one process at a time may have it (a conntrail watch that still runs?), and it must be writable";
    throw new StoreError("unreachable", `chdb: ${path} cannot be opened: ${help}`, error);
  }
}

interface ChdbModule {
  readonly createChdbConnection: (options: { readonly path: string }) => Connection;
}

/** What `createClient` takes as a transport. */
type Connection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>["connection"]>;

/** Loads the engine, from where this package or the program that runs it can see it (NODE_PATH included). */
async function loadChdb(): Promise<ChdbModule> {
  for (const from of [import.meta.url, pathToFileURL(`${process.cwd()}/`).href]) {
    try {
      return createRequire(from)("chdb/connection") as ChdbModule;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND") {
        throw new StoreError("chdb-missing", `chdb does not load: ${(error as Error).message}`, error);
      }
    }
  }
  throw new StoreError(
    "chdb-missing",
    "chdb: is the engine in this process; install it with: npm install chdb (543 MB)",
  );
}
