/** One report's worth of connections: all that live, and once each those that ended. */
import { allocateColumns, type ReportWindow, type Tick } from "@conntrail/model";
import type { MergeState } from "../merge-state.ts";
import { namedNamespaces } from "../namespaces/namespace-index.ts";
import { allocateBounds, type BoundedSnapshot } from "../traced/row-bounds.ts";
import { allTold, touchWaiting } from "./all-told.ts";
import { ColumnWriter } from "./column-writer.ts";
import { NO_NAMES_HEALTH, NO_TRACE_HEALTH } from "./first-health.ts";
import { Gathered } from "./gathered.ts";
import { writeAggregates } from "./write-aggregates.ts";
import { writeFlows } from "./write-flows.ts";
import { writePairs } from "./write-pairs.ts";

/** Builds the snapshot for a tick. Everything must be settled. */
export function buildSnapshot(state: MergeState, tick: Tick): BoundedSnapshot {
  const { flows, connections } = state;
  const count = flows.live + flows.closed + flows.aggregates.rows.size + connections.rows.size;
  const writer = new ColumnWriter(allocateColumns(count), allocateBounds(count), state.registry, state.context.devices);
  const facts = new Gathered();
  writeFlows(state, tick, writer, facts);
  writeAggregates(state, writer, facts);
  writePairs(state, tick, writer, facts);
  const news = state.news.on ? allTold(state) : undefined;
  if (news !== undefined) touchWaiting(state);
  const startMs = state.lastTickMs ?? state.firstMs ?? tick.timeMs;
  state.lastTickMs = tick.timeMs;
  return { ...snapshotOf(state, writer, { startMs, endMs: tick.timeMs }), ...(news && { news }) };
}

/** What was written, with the health of the moment. */
export function snapshotOf(state: MergeState, writer: ColumnWriter, window: ReportWindow): BoundedSnapshot {
  const { flows, connections, conntrack, sockets } = state;
  const merge = { aggregated: flows.aggregated, dropped: flows.dropped + connections.dropped };
  const health = { conntrack, sockets, names: NO_NAMES_HEALTH, trace: NO_TRACE_HEALTH, merge };
  const { columns, bounds, owners, devices, masters, exact } = writer;
  const netnsNames = namedNamespaces(state.context.namespaces);
  return { window, columns, bounds, owners, names: [], devices, masters, exact, netnsNames, health };
}
