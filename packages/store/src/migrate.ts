/** Brings a database to the schema of this program: the files of `sql/` in their order, each once, remembered in `schema_migrations`. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { OpenStore } from "./open-store.ts";
import { StoreError, toStoreError } from "./store-error.ts";

/** One file of `sql/`. */
interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
  /** Of the file's text: a migration that was applied may not change afterwards. */
  readonly checksum: string;
}

const FOLDER = new URL("../sql/", import.meta.url);

/** The schema's files, in order. */
function readMigrations(): readonly Migration[] {
  return readdirSync(FOLDER)
    .filter((file) => /^\d{4}-.*\.sql$/.test(file))
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, FOLDER), "utf8");
      return {
        version: Number(file.slice(0, 4)),
        name: file.slice(5, -4),
        statements: splitStatements(text),
        checksum: createHash("sha256").update(text).digest("hex"),
      };
    });
}

/** The statements of a file: each ends in a semicolon at the end of a line. */
function splitStatements(text: string): string[] {
  return text
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replace(/^--.*$/gm, "").trim() !== "");
}

/** Applies what is missing and gives the names of what it applied. Safe to call again; throws `StoreError`. */
export async function migrate(store: OpenStore): Promise<string[]> {
  const { client } = store;
  try {
    await store.useDatabase();
    await checkVersion(store);
    await client.command({
      query: `CREATE TABLE IF NOT EXISTS schema_migrations
        (version UInt32, name String, checksum String, applied DateTime('UTC') DEFAULT now()) ENGINE = MergeTree ORDER BY version`,
    });
    const done = await appliedMigrations(store);
    const applied: string[] = [];
    for (const migration of readMigrations()) {
      const before = done.get(migration.version);
      if (before !== undefined && before !== migration.checksum) {
        throw new StoreError(
          "schema",
          `migration ${migration.version} was applied with another text; the database is of another version`,
        );
      }
      if (before !== undefined) continue;
      for (const statement of migration.statements) await client.command({ query: statement });
      await client.insert({
        table: "schema_migrations",
        values: [{ version: migration.version, name: migration.name, checksum: migration.checksum }],
        format: "JSONEachRow",
      });
      applied.push(`${String(migration.version).padStart(4, "0")} ${migration.name}`);
    }
    return applied;
  } catch (cause) {
    const error = toStoreError(cause);
    throw error.code === "rejected"
      ? new StoreError("schema", `the schema cannot be made: ${error.message}`, cause)
      : error;
  }
}

/** Throws a `StoreError` of code `schema` when the database lacks a migration of this program, or has one it does not know. */
export async function checkSchema(store: OpenStore): Promise<void> {
  let done: ReadonlyMap<number, string>;
  try {
    await checkVersion(store);
    done = await appliedMigrations(store);
  } catch (error) {
    throw toStoreError(error);
  }
  const missing = readMigrations().filter(({ version, checksum }) => done.get(version) !== checksum);
  if (missing.length === 0) return;
  const names = missing.map(({ version, name }) => `${version} ${name}`).join(", ");
  throw new StoreError(
    "schema",
    `${store.label} lacks ${names} (run: conntrail store migrate --clickhouse ${store.label})`,
  );
}

/** Throws when the server cannot have this schema: an error that names both versions is worth more than one of its grammar. */
async function checkVersion({ client, label, embedded }: OpenStore): Promise<void> {
  if (embedded) return;
  const result = await client.query({ query: "SELECT version() AS version", format: "JSONEachRow" });
  const [row] = await result.json<{ readonly version: string }>();
  const [major = 0, minor = 0] = (row?.version ?? "").split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new StoreError(
    "schema",
    `${label} is ClickHouse ${row?.version ?? "of no version"}; ${OLDEST.join(".")} or later is needed (views with parameters, tokens of insertions)`,
  );
}

/** A line of long support that has all that sql/ uses; tested with 26.7. */
const OLDEST = [24, 3] as const;

async function appliedMigrations({ client }: OpenStore): Promise<Map<number, string>> {
  const result = await client.query({
    query: "SELECT version, checksum FROM schema_migrations",
    format: "JSONEachRow",
  });
  const rows = await result.json<{ readonly version: number; readonly checksum: string }>();
  return new Map(rows.map(({ version, checksum }) => [Number(version), checksum]));
}
