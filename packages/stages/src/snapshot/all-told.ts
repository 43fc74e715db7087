/** A look at all connections leaves nothing to be noted but those that wait. */
import type { News } from "@conntrail/model";
import type { MergeState } from "../merge-state.ts";
import { NO_ROW } from "../rows/row.ts";
import { isHead } from "./write-flows.ts";

/** Forgets what was noted: everything was written. */
export function allTold({ flows, connections, news }: MergeState): News {
  for (const rows of [flows.rows, flows.aggregates.rows, connections.rows]) rows.takeTouched(() => undefined);
  news.forget(false);
  return { all: true, left: [] };
}

/** Notes what a report did not tell, or not as over although it has ended: it waits for others to speak. */
export function touchWaiting({ flows, connections }: MergeState): void {
  const { rows } = flows;
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) {
    if (isHead(rows, row) && (rows.isClosed(row) || !rows.isShown(row))) rows.touch(row);
  }
  const pairs = connections.rows;
  for (let row = pairs.first(); row !== NO_ROW; row = pairs.after(row)) {
    if (pairs.generation(row) !== connections.generation) pairs.touch(row);
  }
}
