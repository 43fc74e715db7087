/** `conntrail store migrate` and `conntrail store query`: the tables of many hosts' connections, and what they answer. */
import type { Question } from "@conntrail/store";
import { writeOut } from "../output.ts";
import { loadStore } from "../store-package.ts";

/** What commander parses for `store migrate`. */
export interface StoreMigrateOptions {
  readonly clickhouse: string;
}

/** What commander parses for `store query`. */
export interface StoreQueryOptions {
  readonly clickhouse: string;
  readonly since: number;
  readonly skew: number;
  readonly port?: number;
  readonly address?: string;
  readonly process?: string;
  readonly limit: number;
}

/** The questions that `store query` takes; the store has the statement of each. */
export const STORE_QUESTIONS: readonly Question[] = [
  "edges",
  "callers",
  "services",
  "unknown",
  "new",
  "talks",
  "history",
];

/** Makes the tables, or brings them to this version; says what it did. */
export async function runStoreMigrate({ clickhouse }: StoreMigrateOptions): Promise<void> {
  const { openStore, migrate } = await loadStore();
  const store = await openStore(clickhouse);
  try {
    const applied = await migrate(store);
    process.stderr.write(
      applied.length === 0 ? "conntrail: nothing to do\n" : `conntrail: applied ${applied.join(", ")}\n`,
    );
  } finally {
    await store.client.close();
  }
}

/** Prints the answer, one JSON object a line. */
export async function runStoreQuery(question: Question, options: StoreQueryOptions): Promise<void> {
  const { openStore, ask } = await loadStore();
  const store = await openStore(options.clickhouse);
  try {
    if (store.embedded) await store.useDatabase();
    const untilMs = Date.now();
    const { port, address, process: name } = options;
    const rows = await ask(store, question, {
      sinceMs: untilMs - options.since,
      untilMs: untilMs + 1000,
      skewMs: options.skew,
      limit: options.limit,
      ...(port !== undefined && { port }),
      ...(address !== undefined && { address }),
      ...(name !== undefined && { process: name }),
    });
    for (const row of rows) await writeOut(`${JSON.stringify(row)}\n`);
  } finally {
    await store.client.close();
  }
}
