/** `conntrail history`: who talked to whom at some time that has passed, from a store. */
import { existsSync } from "node:fs";
import { writeOut } from "../output.ts";
import { loadStore } from "../store-package.ts";
import { type Talk, talksTable } from "../talks-table.ts";
import { terminal } from "../terminal.ts";
import type { Stretch } from "../when.ts";

/** What commander parses for it. */
export interface HistoryCommandOptions {
  readonly clickhouse: string;
  readonly port?: number;
  readonly address?: string;
  readonly process?: string;
  readonly skew: number;
  readonly limit: number;
  readonly format?: "table" | "ndjson";
}

/** Prints it: the table at a terminal, else a JSON object a connection. */
export async function runHistory(asked: Stretch, options: HistoryCommandOptions): Promise<void> {
  const folder = /^chdb:(.+)/.exec(options.clickhouse)?.[1];
  if (folder !== undefined && !existsSync(folder)) {
    throw new Error(`${folder}: there is no store; 'conntrail watch --clickhouse ${options.clickhouse}' fills one`);
  }
  const { openStore, ask } = await loadStore();
  const store = await openStore(options.clickhouse);
  try {
    if (store.embedded) await store.useDatabase();
    const { port, address, process: name } = options;
    const rows = await ask(store, "talks", {
      ...asked,
      skewMs: options.skew,
      limit: options.limit,
      ...(port !== undefined && { port }),
      ...(address !== undefined && { address }),
      ...(name !== undefined && { process: name }),
    });
    const between = `${local(asked.sinceMs)} to ${local(asked.untilMs)}`;
    if (rows.length === options.limit) {
      process.stderr.write(`conntrail: only the first ${rows.length} connections; --limit takes more\n`);
    }
    if ((options.format ?? (process.stdout.isTTY ? "table" : "ndjson")) === "ndjson") {
      for (const row of rows) await writeOut(`${JSON.stringify(row)}\n`);
    } else if (rows.length > 0) {
      await writeOut(`Connections of ${between}\n\n${talksTable(rows as unknown as readonly Talk[], terminal())}`);
    }
    if (rows.length === 0) process.stderr.write(`conntrail: nothing was told of ${between}\n`);
  } finally {
    await store.client.close();
  }
}

/** A moment by this machine's clock. */
function local(ms: number): string {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
