/**
 * A ClickHouse client from an address: `http(s)://[user[:password]@]host[:port][/database]`, or `chdb:PATH` for the engine in this process
 * (package `chdb`, optional: 543 MB installed, glibc on x64 and arm64; one process a folder).
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
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
  /** Hands text to the embedded engine as it is; the client would make it part of a statement, which costs twice as much. */
  readonly insertText?: (table: string, format: string, text: string, settings: InsertSettings) => Promise<void>;
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
    const insertText: OpenStore["insertText"] = async (table, format, text, settings) => {
      const values = Buffer.from(text);
      await connection.chdb.rawInsert({ table: `${database}.${table}`, format, values, settings });
    };
    return { client, database, label: address, embedded: true, useDatabase, insertText };
  }
  const url = parseAddress(address);
  const settings = {
    url: url.origin,
    username: decodeURIComponent(url.username) || "default",
    password: decodeURIComponent(url.password),
    application: "conntrail",
    request_timeout,
    compression: { request: true },
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
  return { client, database, label: `${url.origin}/${database}`, embedded: false, useDatabase };
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
  readonly createChdbConnection: (options: { readonly path: string }) => Connection & { readonly chdb: ChdbExtension };
}

interface ChdbExtension {
  rawInsert(insertion: {
    readonly table: string;
    readonly format: string;
    readonly values: Buffer;
    readonly settings: InsertSettings;
  }): Promise<unknown>;
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
