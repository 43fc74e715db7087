/** Everything that one subscription of the merge knows. */
import { type IngestHealth, type ScanHealth, SOCKET, SOCKET_WORDS, type SocketTable } from "@conntrail/model";
import { REASON } from "./codes.ts";
import { firstConntrackHealth, firstSocketsHealth } from "./first-health.ts";
import { createFlowTable, type FlowTable } from "./flow-table.ts";
import type { JoinContext } from "./join.ts";
import type { MergeSettings } from "./merge-options.ts";
import { createNamespaceIndex, loadNamespaces } from "./namespaces.ts";
import { createOwnerRegistry, type OwnerRegistry } from "./owner-registry.ts";
import { ROW } from "./row.ts";
import { baseOf, pageOf, SLOT } from "./row-store.ts";
import { createSocketConnections, type SocketConnections } from "./socket-connections.ts";
import { createSocketHistory, takeTable } from "./socket-history.ts";

/** The state. */
export interface MergeState {
  readonly settings: MergeSettings;
  readonly flows: FlowTable;
  readonly context: JoinContext;
  readonly connections: SocketConnections;
  readonly registry: OwnerRegistry;
  /** Number of the last socket table, from 1 for none at all: rows joined with an earlier one are joined anew. */
  generation: number;
  /** True while the current table's sockets were not taken in. */
  unsettled: boolean;
  /** When the scan of the current table began; -Infinity before the first. */
  tableStartedMs: number;
  conntrack: IngestHealth;
  sockets: ScanHealth & { readonly timeMs: number | null };
  /** Time of the first input and of the last tick. */
  firstMs: number | undefined;
  lastTickMs: number | undefined;
  snapshots: number;
}

/** Told closed flows kept for the sake of their sockets, at most. */
const MAX_SILENT = 65_536;

/** The state before any input. */
export function createMergeState(settings: MergeSettings): MergeState {
  const history = createSocketHistory(settings.lateJoinMs);
  return {
    settings,
    flows: createFlowTable({
      live: settings.capacity,
      closed: settings.maxClosedPerReport,
      aggregates: settings.maxAggregatesPerReport,
      silent: settings.sockets ? MAX_SILENT : 0,
    }),
    context: {
      history,
      sockets: history.current,
      namespaces: createNamespaceIndex(),
      eventLagMs: settings.eventLagMs,
      blind: settings.sockets ? REASON.unavailable : REASON.off,
      query: {
        netns: 0,
        protocol: 0,
        words: new Uint32Array(0),
        local: 0,
        remote: 0,
        ports: 0,
        hash: 0,
        startMs: 0,
        pastStartMs: 0,
        endMs: 0,
      },
    },
    connections: createSocketConnections(settings.capacity),
    registry: createOwnerRegistry(),
    generation: 1,
    unsettled: false,
    tableStartedMs: Number.NEGATIVE_INFINITY,
    conntrack: firstConntrackHealth(settings.conntrack),
    sockets: { ...firstSocketsHealth(settings.sockets), timeMs: null },
    firstMs: undefined,
    lastTickMs: undefined,
    snapshots: 0,
  };
}

/** Makes a socket table the current one. What the one before it showed must have been settled. */
export function takeSocketTable(state: MergeState, table: SocketTable): void {
  const { context } = state;
  const off = table.health.state === "off";
  context.blind = off ? (table.health.reason === "switched-off" ? REASON.off : REASON.unavailable) : 0;
  state.sockets = { ...table.health, timeMs: off ? state.sockets.timeMs : table.timeMs };
  // A scan that saw nothing says nothing about what is gone: what earlier ones told stays.
  if (off && state.sockets.timeMs !== null) return;
  state.generation++;
  if (off) return;
  takeTable(context.history, table, state.registry);
  context.sockets = context.history.current;
  loadNamespaces(context.namespaces, table.namespaces);
  state.tableStartedMs = table.startedMs;
  state.unsettled = true;
}

/** Names every owner that a row or a socket refers to. */
export function eachOwner(state: MergeState, keep: (id: number) => void): void {
  for (const { store } of [state.flows, state.connections]) {
    for (let slot = 0; slot < store.slots; slot++) {
      if (store.states[slot] === SLOT.free) continue;
      const page = pageOf(store, slot);
      const base = baseOf(slot);
      keep(page[base + ROW.sourceOwner]!);
      keep(page[base + ROW.replyOwner]!);
    }
  }
  for (const set of [state.context.history.current, state.context.history.past]) {
    for (let row = 0; row < set.count; row++) keep(set.rows[row * SOCKET_WORDS + SOCKET.owner]!);
  }
}
