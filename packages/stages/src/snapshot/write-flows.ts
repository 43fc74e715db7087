/** The connections of a snapshot that conntrack told of. */
import { CONNECTION_FLAG, type Tick } from "@conntrail/model";
import { tellConnection } from "../closings/flow-endings.ts";
import { STATE } from "../codes.ts";
import { masterOf } from "../flows/find-master.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import type { MergeState } from "../merge-state.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { SOURCE_END } from "../rows/row-end.ts";
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
  const sinceMs = waitsSinceMs(state, tick);
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) {
    if (rows.isTold(row)) continue;
    if (rows.isShared(row) && rows.isClosed(row)) tellConnection(flows, row);
    if (!isHead(rows, row)) continue;
    if (writeFlow(state, row, sinceMs, writer, facts)) tellConnection(flows, row);
  }
}

/** Other namespaces may have more to say of what was first seen, or ended, after this moment. */
export function waitsSinceMs({ flows, conntrack }: MergeState, tick: Tick): number {
  const several = flows.perNamespace.size > 1 || conntrack.namespaces > 1;
  return several && !tick.final ? Math.max(flows.cutMs, tick.timeMs - MAX_WAIT_MS) : Number.POSITIVE_INFINITY;
}

/** True for the row that stands for its connection. One that several connections share stands for none. */
export function isHead(rows: FlowRows, row: Row): boolean {
  const head = rows.ringHead(row);
  return head === NO_ROW ? !rows.isShared(row) : head === row;
}

/** Writes the connection of a row that stands for it, unless it waits and was never shown. True when it is written as over: it is to be told then. */
export function writeFlow(
  state: MergeState,
  row: Row,
  sinceMs: number,
  writer: ColumnWriter,
  facts: Gathered,
): boolean {
  const { rows } = state.flows;
  facts.gather(rows, row);
  const { ended } = facts;
  const waits = facts.openEnded && facts.lastJoinedMs > sinceMs && !facts.overTold;
  facts.waits = waits;
  if (waits && !facts.shown) return false;
  const over = ended && !waits;
  facts.state = ended && waits ? STATE.closing : gatheredState(rows, row, ended);
  if (over && facts.allUnseen) facts.flags |= CONNECTION_FLAG.endUnseen;
  const head = rows.ringHead(row);
  writer.write(rows, row, head === NO_ROW ? row : rows.ringTail(row), facts);
  const master = (facts.flags & CONNECTION_FLAG.expected) === 0 ? undefined : masterOf(rows, row);
  if (master !== undefined) writer.writeMaster(master);
  const exact = rows.exact.size === 0 ? undefined : rows.exact.get(facts.counter);
  if (exact !== undefined) writer.writeExact(exact, rows.opener(facts.counter) === SOURCE_END);
  if (!over) rows.setShown(row);
  return over;
}
