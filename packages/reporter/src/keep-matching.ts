/** The stage that leaves out what was not asked for, in the pipeline worker: nobody encodes, transfers or compares it. */
import { readFileSync } from "node:fs";
import { type Snapshot, takeRows } from "@conntrail/model";
import { compileFilter, Fields, parseServices, type Services } from "@conntrail/query";
import type { Stage } from "@conntrail/stages";
import { identity, map } from "rxjs";

/** Keeps the connections for which `filter` holds; all without one. What stops matching is gone for those who listen to changes, not over. Throws QueryError. */
export function keepMatching(filter: string | undefined): Stage<Snapshot, Snapshot> {
  if (filter === undefined) return identity;
  const compiled = compileFilter(filter, new Fields(services()));
  return map((snapshot) => {
    const rows = compiled.rows(snapshot);
    return rows.length === snapshot.columns.length ? snapshot : withRows(snapshot, rows);
  });
}

function withRows(snapshot: Snapshot, rows: Uint32Array): Snapshot {
  const columns = takeRows(snapshot.columns, rows);
  const { news } = snapshot;
  if (news === undefined || news.all) return { ...snapshot, columns };
  const kept = new Set(columns.id);
  const { id, length } = snapshot.columns;
  const left = [...news.left];
  for (let row = 0; row < length; row++) if (!kept.has(id[row]!)) left.push(id[row]!);
  return { ...snapshot, columns, news: { ...news, left } };
}

/** Names of ports, for `service`; minimal systems have none. */
function services(): Services {
  try {
    return parseServices(readFileSync("/etc/services", "utf8"));
  } catch {
    return new Map();
  }
}
