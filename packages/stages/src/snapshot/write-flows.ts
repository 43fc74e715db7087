/** The connections of a snapshot that conntrack told of. */
import { CONNECTION_FLAG, type Tick } from "@conntrail/model";
import { tellConnection } from "../closings/flow-endings.ts";
import { STATE } from "../codes.ts";
import type { MergeState } from "../merge-state.ts";
import { NO_ROW } from "../rows/row.ts";
import type { ColumnWriter } from "./column-writer.ts";
import { type Gathered, gatheredState } from "./gathered.ts";

/** How long a closed connection waits for the next batch when none comes. */
const MAX_WAIT_MS = 1000;

/** Writes all that live, and those that have ended: they count as told. */
export function writeFlows(state: MergeState, tick: Tick, writer: ColumnWriter, facts: Gathered): void {
  const { flows } = state;
  const { rows } = flows;
  const several = flows.perNamespace.size > 1 || state.conntrack.namespaces > 1;
  const patient = several && !tick.final && tick.timeMs - flows.batchMs < MAX_WAIT_MS;
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) {
    if (rows.isTold(row)) continue;
    const head = rows.ringHead(row);
    if (head !== NO_ROW && head !== row) continue;
    facts.gather(rows, row);
    const { ended } = facts;
    // Other namespaces may have more to say about this end, in the batch to come.
    const waits = ended && patient && facts.closedBatch === flows.batch && facts.openEnded;
    if (waits && !facts.shown) continue;
    facts.state = waits ? STATE.closing : gatheredState(rows, row, ended);
    if (ended && !waits && facts.allUnseen) facts.flags |= CONNECTION_FLAG.endUnseen;
    writer.write(rows, row, head === NO_ROW ? row : rows.ringTail(row), facts);
    if (ended && !waits) tellConnection(flows, row);
    else rows.setShown(row);
  }
}
