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
import { baseOf, doublesOf, pageOf, SLOT } from "./row-store.ts";
import { handOver, takeSockets } from "./socket-connections.ts";
import { FOUND, findSocket, knownSince, netnsOf } from "./socket-history.ts";

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
    if (store.states[slot] !== SLOT.active) continue;
    const page = pageOf(store, slot);
    const base = baseOf(slot);
    if (page[base + ROW.generation] !== state.generation) action(state, slot, page, base);
  }
}

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
  if ((page[base + ROW.marks]! & MARK.closed) !== 0) takeSocketsOf(state, page, doubles, base);
}

function joinAndTakeOver(state: MergeState, page: Uint32Array, doubles: Float64Array, base: number, end: RowEnd): void {
  const { history, query } = state.context;
  const found = joinEnd(state.context, page, base, end);
  if (state.connections.store.size > 0) {
    const netns = found ? netnsOf(history.match) : 0;
    noteSince(doubles, base, handOver(state.connections, query, netns, tableLagMs(state)));
  }
  if (found) noteSince(doubles, base, knownSince(history.match));
}

/** A socket was seen between the beginning of its scan and the time of its table; the flow's end may have been read a little late. */
function tableLagMs(state: MergeState): number {
  return state.settings.eventLagMs + Math.max(0, (state.sockets.timeMs ?? 0) - state.tableStartedMs);
}

/** A connection is as old as the first thing that showed it. 0: nothing did. */
function noteSince(doubles: Float64Array, base: number, sinceMs: number): void {
  const at = (base + ROW.sinceMs) >> 1;
  const known = doubles[at]!;
  if (sinceMs !== 0 && (known === 0 || sinceMs < known)) doubles[at] = sinceMs;
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
    if (takeSocketsOf(state, page, doublesOf(flows.store, slot), base)) flows.silent[kept++] = slot;
    else releaseFlow(flows, slot);
  }
  flows.silent.length = kept;
}

/** Takes the sockets of a flow that has ended. True while the next table may show them again. */
function takeSocketsOf(state: MergeState, page: Uint32Array, doubles: Float64Array, base: number): boolean {
  // An event may be stamped a little before its time, and the scan be quicker than the kernel's goodbye.
  const endMs = doubles[(base + ROW.closedMs) >> 1]! + state.settings.eventLagMs;
  const young = endMs >= state.tableStartedMs;
  const { query } = state.context;
  setLife(state.context, page, doubles, base);
  query.endMs = young ? endMs : Number.POSITIVE_INFINITY;
  if (!young) query.startMs = Number.NEGATIVE_INFINITY;
  const source = takeSocketOf(state, page, base, SOURCE_END, young);
  const reply = takeSocketOf(state, page, base, REPLY_END, young);
  return young || source || reply;
}

/** Takes the socket of an end so that nothing else does. `young`: any socket of the flow's life; else only one without a process. */
function takeSocketOf(state: MergeState, page: Uint32Array, base: number, end: RowEnd, young: boolean): boolean {
  const { context } = state;
  aimAt(context, page, base, end);
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
