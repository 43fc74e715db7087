/** Brings flows and sockets together: directions, chains, owners, and what only sockets show. Done before each report, and before a table is replaced. */
import { linkChains } from "./chains/link-chains.ts";
import { watchEntryless } from "./closings/lost-entries.ts";
import { watchSilent } from "./closings/socket-closings.ts";
import { watchStale } from "./closings/stale-entries.ts";
import { placeAndDirect } from "./direction/place-and-direct.ts";
import { MAX_FRESH } from "./flows/flow-book.ts";
import type { MergeState } from "./merge-state.ts";
import { joinFlow } from "./owners/join-flow.ts";
import { NO_ROW, type Row } from "./rows/row.ts";
import { takeSockets } from "./sockets/socket-connections.ts";

/** Settles everything that is new since the last time. */
export function settle(state: MergeState): void {
  const { flows } = state;
  if (flows.perNamespace.size > 1) {
    eachUnsettled(state, placeAndDirect);
    linkChains(flows);
    eachUnsettled(state, joinFlow);
  } else {
    eachUnsettled(state, (each, row) => {
      placeAndDirect(each, row);
      joinFlow(each, row);
    });
  }
  flows.fresh.length = 0;
  flows.touched.length = 0;
  state.settledGeneration = state.generation;
  if (!state.unsettled) {
    flows.vanished.length = 0;
    return;
  }
  state.unsettled = false;
  watchStale(state);
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
