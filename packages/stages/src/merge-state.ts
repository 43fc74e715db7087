/** Everything that one subscription of the merge knows. */
import type { IngestHealth, ScanHealth, SocketTable } from "@conntrail/model";
import { REASON } from "./codes.ts";
import { createFlowBook, type FlowBook } from "./flows/flow-book.ts";
import type { MergeSettings } from "./merge-options.ts";
import { createNamespaceIndex, loadNamespaces } from "./namespaces/namespace-index.ts";
import type { JoinContext } from "./owners/join-ends.ts";
import { OwnerRegistry } from "./owners/owner-registry.ts";
import { NO_ROW } from "./rows/row.ts";
import { REPLY_END, SOURCE_END } from "./rows/row-end.ts";
import { RowNews } from "./rows/row-news.ts";
import { firstConntrackHealth, firstSocketsHealth } from "./snapshot/first-health.ts";
import { DeviceNames } from "./sockets/device-names.ts";
import { ListenerSearch } from "./sockets/listener-search.ts";
import { createSocketConnections, type SocketConnections } from "./sockets/socket-connections.ts";
import { SocketHistory } from "./sockets/socket-history.ts";
import { SocketSearch } from "./sockets/socket-search.ts";

/** The state. */
export interface MergeState {
  readonly settings: MergeSettings;
  readonly flows: FlowBook;
  /** What is noted for those who listen to changes. */
  readonly news: RowNews;
  readonly context: JoinContext;
  readonly connections: SocketConnections;
  readonly registry: OwnerRegistry;
  /** Number of the last socket table, from 1 for none at all: rows joined with an earlier one are joined anew. */
  generation: number;
  /** The generation that the last settling was about. */
  settledGeneration: number;
  /** True while the current table's sockets were not taken in. */
  unsettled: boolean;
  /** When the scan of the current table began, -Infinity before the first. */
  tableStartedMs: number;
  /** The cut that it lies behind; null: it waited for none. */
  tableCutMs: number | null;
  conntrack: IngestHealth;
  sockets: ScanHealth & { readonly timeMs: number | null };
  /** Time of the first input and of the last tick. */
  firstMs: number | undefined;
  lastTickMs: number | undefined;
}

/** Told closed flows kept for the sake of their sockets, at most. */
const MAX_SILENT = 65_536;

/** The state before any input. */
export function createMergeState(settings: MergeSettings): MergeState {
  const history = new SocketHistory(settings.lateJoinMs);
  const namespaces = createNamespaceIndex();
  const news = new RowNews();
  news.last = settings.firstId;
  return {
    settings,
    news,
    flows: createFlowBook(
      {
        live: settings.capacity,
        closed: settings.maxClosedPerReport,
        aggregates: settings.maxAggregatesPerReport,
        silent: settings.sockets ? MAX_SILENT : 0,
      },
      news,
    ),
    context: {
      history,
      namespaces,
      search: new SocketSearch(history),
      devices: new DeviceNames(),
      listeners: new ListenerSearch(history, namespaces),
      portOrder: settings.portOrder,
      blind: settings.sockets ? REASON.unavailable : REASON.off,
    },
    connections: createSocketConnections(settings.capacity, news),
    registry: new OwnerRegistry(),
    generation: 1,
    settledGeneration: 0,
    unsettled: false,
    tableStartedMs: Number.NEGATIVE_INFINITY,
    tableCutMs: null,
    conntrack: firstConntrackHealth(settings.conntrack),
    sockets: { ...firstSocketsHealth(settings.sockets), timeMs: null },
    firstMs: undefined,
    lastTickMs: undefined,
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
  context.history.takeTable(table, state.registry);
  loadNamespaces(context.namespaces, table.namespaces);
  state.tableStartedMs = table.startedMs;
  state.tableCutMs = table.cutMs;
  state.unsettled = true;
}

/** Gives back the owner ids that no row and no socket refers to any more. */
export function sweepOwners({ flows, connections, context, registry }: MergeState): void {
  registry.sweep((keep) => {
    for (const rows of [flows.rows, connections.rows]) {
      for (let row = rows.afterAny(NO_ROW); row !== NO_ROW; row = rows.afterAny(row)) {
        keep(rows.owner(row, SOURCE_END));
        keep(rows.owner(row, REPLY_END));
      }
    }
    context.history.eachOwner(keep);
  });
}
