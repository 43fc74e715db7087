/** One report's worth of connections: all that live, and once each those that ended. */
import {
  allocateColumns,
  CONNECTION_FLAG,
  FLOW,
  kindState,
  type Owner,
  type Snapshot,
  SOURCE,
  type Tick,
} from "@conntrail/model";
import { aggregateState } from "./aggregates.ts";
import { STATE } from "./codes.ts";
import { type ColumnWriter, writeConnection } from "./column-writer.ts";
import { REPLY_END, SOURCE_END } from "./decision.ts";
import { directFlow } from "./direction.ts";
import { NO_NAMES_HEALTH } from "./first-health.ts";
import { tellFlow } from "./flow-life.ts";
import { facts, gather, gatheredState } from "./gather.ts";
import { joinUnseen, locate } from "./join.ts";
import type { MergeState } from "./merge-state.ts";
import { MARK, ROW } from "./row.ts";
import { baseOf, doublesOf, pageOf, releaseRow, SLOT } from "./row-store.ts";

/** Builds the snapshot for a tick. Everything must be settled. */
export function buildSnapshot(state: MergeState, tick: Tick): Snapshot {
  const { flows, connections } = state;
  const rows = flows.live + flows.closed + flows.aggregates.size + connections.store.size;
  const owners: Owner[] = [];
  const snapshot = ++state.snapshots;
  const writer: ColumnWriter = { columns: allocateColumns(rows), owners, registry: state.registry, snapshot };
  writeFlows(state, tick, writer);
  writeAggregates(state, writer);
  writeSocketConnections(state, tick, writer);
  const startMs = state.lastTickMs ?? state.firstMs ?? tick.timeMs;
  state.lastTickMs = tick.timeMs;
  return {
    window: { startMs, endMs: tick.timeMs },
    columns: writer.columns,
    owners,
    names: [],
    health: {
      conntrack: state.conntrack,
      sockets: state.sockets,
      names: NO_NAMES_HEALTH,
      merge: { aggregated: flows.aggregated, dropped: flows.dropped + connections.dropped },
    },
  };
}

/** How long a closed connection waits for the next batch when none comes. */
const MAX_WAIT_MS = 1000;

function writeFlows(state: MergeState, tick: Tick, writer: ColumnWriter): void {
  const { flows } = state;
  const { store } = flows;
  const several = flows.perNamespace.size > 1 || state.conntrack.namespaces > 1;
  const patient = several && !tick.final && tick.timeMs - flows.batchMs < MAX_WAIT_MS;
  for (let slot = 0; slot < store.slots; slot++) {
    if (store.states[slot] !== SLOT.active) continue;
    const page = pageOf(store, slot);
    const base = baseOf(slot);
    if ((page[base + ROW.marks]! & MARK.told) !== 0) continue;
    const head = page[base + ROW.ringHead]!;
    if (head !== 0 && head !== slot + 1) continue;
    const tail = head === 0 ? slot : page[base + ROW.ringTail]! - 1;
    gather(store, slot);
    const ended = (facts.marks & MARK.closed) !== 0;
    // Other namespaces may have more to say about this end, in the batch to come.
    const waits = ended && patient && facts.closedBatch === flows.batch && isOpenEnded(facts.marks);
    if (waits && (facts.marks & MARK.shown) === 0) continue;
    facts.state = waits ? STATE.closing : gatheredState(store, slot, ended);
    if (ended && !waits && facts.allUnseen) facts.flags |= CONNECTION_FLAG.endUnseen;
    writeConnection(writer, store, slot, tail, facts);
    if (ended && !waits) tellFlow(flows, slot);
    else page[base + ROW.marks]! |= MARK.shown;
  }
}

/** True when a connection may be seen in namespaces other than those that spoke of it: it is not known to begin and end in them. */
function isOpenEnded(marks: number): boolean {
  const both = MARK.sourceOwn | MARK.replyOwn;
  return (marks & MARK.loopback) === 0 && (marks & both) !== both;
}

function writeAggregates(state: MergeState, writer: ColumnWriter): void {
  const { aggregates } = state.flows;
  const { context } = state;
  for (let slot = 0; slot < aggregates.slots; slot++) {
    if (aggregates.states[slot] === SLOT.free) continue;
    const page = pageOf(aggregates, slot);
    const base = baseOf(slot);
    const endMs = doublesOf(aggregates, slot)[(base + FLOW.lastSeenMs) >> 1]!;
    locate(context.namespaces, page, base);
    directFlow(context, page, base, endMs);
    joinUnseen(context, page, base, SOURCE_END, endMs);
    joinUnseen(context, page, base, REPLY_END, endMs);
    gather(aggregates, slot);
    facts.state = aggregateState(page, base);
    facts.flags |= CONNECTION_FLAG.aggregated;
    writeConnection(writer, aggregates, slot, slot, facts);
    releaseRow(aggregates, slot);
  }
}

function writeSocketConnections(state: MergeState, tick: Tick, writer: ColumnWriter): void {
  const { store, generation } = state.connections;
  const patient = !tick.final && state.conntrack.state !== "off";
  for (let slot = 0; slot < store.slots; slot++) {
    if (store.states[slot] === SLOT.free) continue;
    const page = pageOf(store, slot);
    const base = baseOf(slot);
    const ended = page[base + ROW.generation] !== generation;
    // A scan may be faster than the events of a flow: what it saw is told as over when no flow can come any more that has it.
    const waits =
      ended && patient && mayBecomeFlow(state, tick, doublesOf(store, slot)[(base + FLOW.lastSeenMs) >> 1]!);
    if (waits && (page[base + ROW.marks]! & MARK.shown) === 0) continue;
    gather(store, slot);
    facts.sources = SOURCE.sockets;
    facts.netns = openerNetns(page, base);
    if (waits) facts.state = STATE.closing;
    else facts.state = ended ? endedState(page, base) : kindState(page[base + FLOW.kind]!);
    writeConnection(writer, store, slot, slot, facts);
    if (ended && !waits) releaseRow(store, slot);
    else page[base + ROW.marks]! |= MARK.shown;
  }
}

/** True while the batch that speaks of the time at which a socket was last seen is still to come, but not for ever. */
function mayBecomeFlow(state: MergeState, tick: Tick, lastSeenMs: number): boolean {
  const { eventLagMs, lateJoinMs } = state.settings;
  return state.flows.batchMs < lastSeenMs + eventLagMs && tick.timeMs - lastSeenMs < lateJoinMs;
}

/** The namespace of the opener's socket, else that of the other one. */
function openerNetns(page: Uint32Array, base: number): number {
  const low = page[base + ROW.lowNetns]!;
  const high = page[base + ROW.highNetns]!;
  const swapped = (page[base + ROW.marks]! & MARK.swapped) !== 0;
  return swapped ? high || low : low || high;
}

/** A connection that was never seen beyond its opening has failed, as far as sockets tell. */
function endedState(page: Uint32Array, base: number): number {
  return kindState(page[base + FLOW.kind]!) === STATE.opening ? STATE.failed : STATE.closed;
}
