/** A snapshot for those who listen to changes: of the connections about which something may be new, or of all, without the word of a report. */
import { allocateColumns, type Tick } from "@conntrail/model";
import { tellConnection } from "../closings/flow-endings.ts";
import type { MergeState } from "../merge-state.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { allocateBounds, type BoundedSnapshot } from "../traced/row-bounds.ts";
import { allTold } from "./all-told.ts";
import { snapshotOf } from "./build-snapshot.ts";
import { ColumnWriter } from "./column-writer.ts";
import { Gathered } from "./gathered.ts";
import { isHead, waitsSinceMs, writeFlow } from "./write-flows.ts";
import { writePair } from "./write-pairs.ts";

/** Builds what `tick.news` asks for, or nothing when nothing can be new. Everything must be settled. */
export function buildNews(state: MergeState, tick: Tick): BoundedSnapshot | undefined {
  const { news, flows, connections } = state;
  if (tick.news === "off") {
    stopNoting(state);
    return undefined;
  }
  const all = tick.news === "all" || !news.on || news.overflowed;
  if (!all && !flows.rows.isTouched && !connections.rows.isTouched && !news.hasLeft) return undefined;
  news.on = true;
  const flowRows = all ? allFlows(state) : touchedFlows(state);
  const pairRows = all ? allPairs(state) : touchedPairs(state);
  const count = flowRows.length + pairRows.length;
  const writer = new ColumnWriter(allocateColumns(count), allocateBounds(count), state.registry, state.context.devices);
  const waiting = write(state, tick, writer, flowRows, pairRows);
  const told = all ? allTold(state) : { all: false, left: news.takeLeft() };
  for (const row of waiting.flows) flows.rows.touch(row);
  for (const row of waiting.pairs) connections.rows.touch(row);
  const window = { startMs: state.lastTickMs ?? state.firstMs ?? tick.timeMs, endMs: tick.timeMs };
  return { ...snapshotOf(state, writer, window), news: told, isReport: false };
}

/** Writes the rows. Returns those that wait. */
function write(
  state: MergeState,
  tick: Tick,
  writer: ColumnWriter,
  flowRows: readonly Row[],
  pairRows: readonly Row[],
): { readonly flows: Row[]; readonly pairs: Row[] } {
  const { flows, connections } = state;
  const waiting: { flows: Row[]; pairs: Row[] } = { flows: [], pairs: [] };
  const facts = new Gathered();
  const sinceMs = waitsSinceMs(state, tick);
  for (const row of flowRows) {
    const over = writeFlow(state, row, sinceMs, writer, facts);
    if (facts.waits) waiting.flows.push(row);
    if (over) flows.rows.setOverTold(row);
    if (over && tick.endsTold === true) tellConnection(flows, row);
  }
  for (const row of pairRows) {
    const over = writePair(state, row, tick, writer, facts);
    if (facts.waits) waiting.pairs.push(row);
    if (over) connections.rows.setOverTold(row);
    if (over && tick.endsTold === true) connections.rows.release(row);
  }
  return waiting;
}

function allFlows({ flows: { rows } }: MergeState): Row[] {
  const found: Row[] = [];
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) {
    if (!rows.isTold(row) && isHead(rows, row)) found.push(row);
  }
  return found;
}

/** The rows that stand for connections of which some row was touched. The number of one that stands for itself no more is gone, unless it is its connection's. */
function touchedFlows({ flows: { rows }, news }: MergeState): Row[] {
  const found: Row[] = [];
  rows.takeTouched((row) => {
    if (!rows.isActive(row)) return;
    if (rows.isTold(row)) news.leave(rows.identity(row));
    else if (isHead(rows, row)) found.push(row);
    else {
      news.leave(rows.identity(row));
      if (!rows.isShared(row)) rows.touch(rows.ringHead(row));
    }
  });
  return found;
}

function allPairs({ connections: { rows } }: MergeState): Row[] {
  const found: Row[] = [];
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) found.push(row);
  return found;
}

function touchedPairs({ connections: { rows } }: MergeState): Row[] {
  const found: Row[] = [];
  rows.takeTouched((row) => {
    if (rows.isActive(row)) found.push(row);
  });
  return found;
}

function stopNoting({ flows, connections, news }: MergeState): void {
  for (const rows of [flows.rows, flows.aggregates.rows, connections.rows]) rows.takeTouched(() => undefined);
  news.forget(false);
  news.on = false;
}
