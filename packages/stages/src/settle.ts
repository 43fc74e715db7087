/** Brings flows and sockets together: directions, chains, owners, and what only sockets show. Done before each report, and before a table is replaced. */
import { linkChains } from "./chains/link-chains.ts";
import { noteShared } from "./chains/shared-entry.ts";
import { watchEntryless } from "./closings/lost-entries.ts";
import { takeSocketsOf, watchSilent } from "./closings/socket-closings.ts";
import { directFlow } from "./direction/direct.ts";
import { MAX_FRESH, touch } from "./flows/flow-book.ts";
import type { MergeState } from "./merge-state.ts";
import { locate } from "./namespaces/locate.ts";
import { joinEnd } from "./owners/join-ends.ts";
import { NO_ROW, type Row } from "./rows/row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "./rows/row-end.ts";
import { handOver } from "./sockets/hand-over.ts";
import { takeSockets } from "./sockets/socket-connections.ts";

/** Settles everything that is new since the last time. */
export function settle(state: MergeState): void {
  const { flows } = state;
  if (flows.perNamespace.size > 1) {
    eachUnsettled(state, direct);
    linkChains(flows);
    eachUnsettled(state, join);
  } else {
    eachUnsettled(state, (each, row) => {
      direct(each, row);
      join(each, row);
    });
  }
  flows.fresh.length = 0;
  flows.touched.length = 0;
  state.settledGeneration = state.generation;
  if (!state.unsettled) return;
  state.unsettled = false;
  watchEntryless(flows, state.context, state.tableStartedMs);
  watchSilent(flows, state.context, state.tableStartedMs);
  takeSockets(state.connections, state.context);
}

/** Calls `action` for the rows that were not joined with the current table yet: all after a new one, else those that came since. */
function eachUnsettled(state: MergeState, action: (state: MergeState, row: Row) => void): void {
  const { rows, fresh } = state.flows;
  if (state.settledGeneration === state.generation && fresh.length <= MAX_FRESH) {
    for (const row of fresh) if (rows.isActive(row) && rows.generation(row) !== state.generation) action(state, row);
    return;
  }
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) {
    if (rows.generation(row) !== state.generation) action(state, row);
  }
}

function direct({ flows, context }: MergeState, row: Row): void {
  const { rows } = flows;
  const before = rows.linkFacts(row);
  locate(context.namespaces, rows, row);
  directFlow(context, rows, row, rows.endMs(row));
  // New rows are looked at anyway.
  if (rows.generation(row) !== 0 && rows.linkFacts(row) !== before) touch(flows, row);
}

function join(state: MergeState, row: Row): void {
  const { rows } = state.flows;
  state.context.search.over(rows, row);
  joinAndTakeOver(state, row, SOURCE_END);
  joinAndTakeOver(state, row, REPLY_END);
  rows.setGeneration(row, state.generation);
  if (rows.isClosed(row)) takeSocketsOf(state.flows, state.context, row, state.tableStartedMs);
}

function joinAndTakeOver(state: MergeState, row: Row, end: RowEnd): void {
  const { context, connections, flows } = state;
  const { rows } = flows;
  const { search } = context;
  const found = joinEnd(context, rows, row, end);
  if (connections.rows.size > 0) {
    const netns = found ? search.set.netns(search.socket) : 0;
    const { startMs, endMs } = search;
    rows.noteSince(row, handOver(connections, { rows, row, end, netns, startMs, endMs }));
  }
  if (!found) return;
  rows.noteSince(row, search.set.knownMs(search.socket));
  if (search.isOnSeveralDevices) noteShared(rows, row);
}
