/** Brings flows and sockets together: directions, chains, owners, and what only sockets show. Done before each report, and before a table is replaced. */
import { kindState, SOCKET, SOCKET_WORDS } from "@conntrail/model";
import { linkChains } from "./chains.ts";
import { STATE } from "./codes.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "./decision.ts";
import { directFlow } from "./direction.ts";
import { releaseFlow } from "./flow-life.ts";
import { socketState } from "./flow-state.ts";
import { aimAt, joinEnd, locate, setLife } from "./join.ts";
import type { MergeState } from "./merge-state.ts";
import { MARK, ROW } from "./row.ts";
import { baseOf, doublesOf, pageOf } from "./row-store.ts";
import { handOver, takeSockets } from "./socket-connections.ts";
import { FOUND, findSocket } from "./socket-history.ts";

/** Settles everything that is new since the last time. */
export function settle(state: MergeState): void {
  const { flows, settings } = state;
  if (flows.perNamespace.size > 1) {
    eachUnjoined(state, directRow);
    linkChains(flows, settings.eventLagMs);
    eachUnjoined(state, joinRow);
  } else {
    eachUnjoined(state, directAndJoinRow);
  }
  if (!state.unsettled) return;
  state.unsettled = false;
  watchSilent(state);
  takeSockets(state.connections, state.context);
}

type RowAction = (state: MergeState, slot: number, page: Uint32Array, base: number) => void;

/** Calls `action` for the rows that were not joined with the current table yet. */
function eachUnjoined(state: MergeState, action: RowAction): void {
  const { store } = state.flows;
  for (let slot = 0; slot < store.slots; slot++) {
    const page = pageOf(store, slot);
    const base = baseOf(slot);
    const marks = page[base + ROW.marks]!;
    if ((marks & MARK.used) === 0 || page[base + ROW.generation] === state.generation) continue;
    if ((marks & SILENT) !== SILENT) action(state, slot, page, base);
  }
}

const SILENT = MARK.told | MARK.closed;

function directAndJoinRow(state: MergeState, slot: number, page: Uint32Array, base: number): void {
  directRow(state, slot, page, base);
  joinRow(state, slot, page, base);
}

function directRow(state: MergeState, slot: number, page: Uint32Array, base: number): void {
  const { context } = state;
  locate(context.namespaces, page, base);
  setLife(context, page, doublesOf(state.flows.store, slot), base);
  directFlow(context, page, base, context.query.endMs);
}

function joinRow(state: MergeState, slot: number, page: Uint32Array, base: number): void {
  const { context } = state;
  const doubles = doublesOf(state.flows.store, slot);
  setLife(context, page, doubles, base);
  joinAndTakeOver(state, page, doubles, base, SOURCE_END);
  joinAndTakeOver(state, page, doubles, base, REPLY_END);
  page[base + ROW.generation] = state.generation;
  if ((page[base + ROW.marks]! & MARK.closed) === 0) return;
  takeSocketOf(state, page, base, SOURCE_END, false);
  takeSocketOf(state, page, base, REPLY_END, false);
}

function joinAndTakeOver(state: MergeState, page: Uint32Array, doubles: Float64Array, base: number, end: RowEnd): void {
  const netns = joinEnd(state.context, page, base, end);
  const sinceMs = handOver(state.connections, state.context.query, netns);
  if (sinceMs === 0) return;
  const known = doubles[(base + ROW.sinceMs) >> 1]!;
  doubles[(base + ROW.sinceMs) >> 1] = known === 0 ? sinceMs : Math.min(known, sinceMs);
}

/**
 * Told flows, as a new table comes in: while it may be older than the end of the flow, or shows a socket that only the kernel still
 * has, the flow's sockets are no new connections. Otherwise the flow can go: a socket that is still there means what it says.
 */
function watchSilent(state: MergeState): void {
  const { flows } = state;
  let kept = 0;
  for (const slot of flows.silent) {
    const page = pageOf(flows.store, slot);
    const base = baseOf(slot);
    const endMs = doublesOf(flows.store, slot)[(base + ROW.closedMs) >> 1]!;
    const young = endMs >= state.tableStartedMs;
    setLife(state.context, page, doublesOf(flows.store, slot), base);
    const source = takeSocketOf(state, page, base, SOURCE_END, young);
    const reply = takeSocketOf(state, page, base, REPLY_END, young);
    if (young || source || reply) flows.silent[kept++] = slot;
    else releaseFlow(flows, slot);
  }
  flows.silent.length = kept;
}

/** Takes the socket of an end so that nothing else does. `young`: any socket of the flow's life; else only one without a process. */
function takeSocketOf(state: MergeState, page: Uint32Array, base: number, end: RowEnd, young: boolean): boolean {
  const { context } = state;
  aimAt(context, page, base, end);
  if (!young) {
    context.query.startMs = Number.NEGATIVE_INFINITY;
    context.query.endMs = Number.POSITIVE_INFINITY;
  }
  const found = findSocket(context.history, context.query);
  const row = context.history.match.currentRow;
  if ((found !== FOUND.own && found !== FOUND.elsewhere) || row < 0) return false;
  if (!young && !isOrphan(context.sockets.rows, row * SOCKET_WORDS)) return false;
  context.sockets.taken[row] = 1;
  return true;
}

/** A socket that its process has closed, while the kernel still says goodbye. */
function isOrphan(rows: Uint32Array, base: number): boolean {
  return rows[base + SOCKET.inode] === 0 && socketState(kindState(rows[base + SOCKET.kind]!)) === STATE.closing;
}
