/** The connections of a snapshot that conntrack told of. */
import { CONNECTION_FLAG, type Tick } from "@conntrail/model";
import { tellConnection } from "../closings/flow-endings.ts";
import { STATE } from "../codes.ts";
import type { MergeState } from "../merge-state.ts";
import { NO_ROW } from "../rows/row.ts";
import type { ColumnWriter } from "./column-writer.ts";
import { type Gathered, gatheredState } from "./gathered.ts";

/** How long a connection waits for a cut that does not come: a namespace is dumped anew, or nobody reads. */
const MAX_WAIT_MS = 1000;

/**
 * Writes all that live, and those that have ended: they count as told. What was first seen after the cut waits: another namespace may tell of the same
 * connection in what was not read yet, and it would be two rows.
 */
export function writeFlows(state: MergeState, tick: Tick, writer: ColumnWriter, facts: Gathered): void {
  const { flows } = state;
  const { rows } = flows;
  const several = flows.perNamespace.size > 1 || state.conntrack.namespaces > 1;
  const sinceMs = several && !tick.final ? Math.max(flows.cutMs, tick.timeMs - MAX_WAIT_MS) : Number.POSITIVE_INFINITY;
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) {
    if (rows.isTold(row)) continue;
    const head = rows.ringHead(row);
    if (head !== NO_ROW && head !== row) continue;
    facts.gather(rows, row);
    const { ended } = facts;
    const waits = facts.openEnded && facts.lastJoinedMs > sinceMs;
    if (waits && !facts.shown) continue;
    facts.state = ended && waits ? STATE.closing : gatheredState(rows, row, ended);
    if (ended && !waits && facts.allUnseen) facts.flags |= CONNECTION_FLAG.endUnseen;
    writer.write(rows, row, head === NO_ROW ? row : rows.ringTail(row), facts);
    if (ended && !waits) tellConnection(flows, row);
    else rows.setShown(row);
  }
}
