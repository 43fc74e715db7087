/** The rows of a snapshot that stand for many connections each. */
import { CONNECTION_FLAG } from "@conntrail/model";
import { directFlow } from "../direction/direct.ts";
import type { MergeState } from "../merge-state.ts";
import { locate } from "../namespaces/locate.ts";
import { joinUnseen } from "../owners/join-ends.ts";
import { NO_ROW } from "../rows/row.ts";
import { REPLY_END, SOURCE_END } from "../rows/row-end.ts";
import type { ColumnWriter } from "./column-writer.ts";
import type { Gathered } from "./gathered.ts";

/** Writes all of them and forgets them. */
export function writeAggregates({ flows, context }: MergeState, writer: ColumnWriter, facts: Gathered): void {
  const { aggregates } = flows;
  const { rows } = aggregates;
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) {
    const endMs = rows.lastSeenMs(row);
    locate(context.namespaces, rows, row);
    directFlow(context, rows, row, endMs);
    joinUnseen(context, rows, row, SOURCE_END, endMs);
    joinUnseen(context, rows, row, REPLY_END, endMs);
    facts.gather(rows, row);
    facts.state = aggregates.state(row);
    facts.flags |= CONNECTION_FLAG.aggregated;
    writer.write(rows, row, row, facts);
    rows.release(row);
  }
}
