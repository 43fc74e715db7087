/** A flow's two ends get their sockets, and so their owners; what only those sockets showed is the flow's from now on. */
import { noteShared } from "../chains/shared-entry.ts";
import { takeSocketsOf } from "../closings/socket-closings.ts";
import { hasCurrentSocket } from "../closings/stale-entries.ts";
import type { MergeState } from "../merge-state.ts";
import type { Row } from "../rows/row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "../rows/row-end.ts";
import { handOver } from "../sockets/hand-over.ts";
import { joinEnd } from "./join-ends.ts";

/** Joins a flow with the current table. */
export function joinFlow(state: MergeState, row: Row): void {
  const { flows } = state;
  const { rows } = flows;
  state.context.search.over(rows, row);
  const isSourceThere = joinAndTakeOver(state, row, SOURCE_END);
  const isReplyThere = joinAndTakeOver(state, row, REPLY_END);
  const isThere = isSourceThere || isReplyThere;
  if (isThere) rows.meetSockets(row);
  rows.setGeneration(row, state.generation);
  if (rows.isClosed(row)) takeSocketsOf(state.flows, state.context, row, state.tableStartedMs);
  else if (!isThere && (rows.hadSocket(row, SOURCE_END) || rows.hadSocket(row, REPLY_END))) flows.vanished.push(row);
}

/** True when the latest table has a socket of the end. */
function joinAndTakeOver(state: MergeState, row: Row, end: RowEnd): boolean {
  const { context, connections, flows } = state;
  const { rows } = flows;
  const { search } = context;
  const found = joinEnd(context, rows, row, end);
  const isThere = hasCurrentSocket(context);
  if (connections.rows.size > 0) {
    const netns = found ? search.set.netns(search.socket) : 0;
    const { startMs, endMs } = search;
    rows.noteSince(row, handOver(connections, { rows, row, end, netns, startMs, endMs }));
  }
  if (!found) return isThere;
  rows.noteSocket(row, end);
  rows.noteSince(row, search.set.knownMs(search.socket));
  if (search.isOnSeveralDevices) noteShared(rows, row);
  return isThere;
}
