/** Batches of changed flows into the flow table. Keeps what the ingest says and adds nothing to it. */
import {
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowBatch,
  type FlowChange,
  isLoopback,
  kindFlags,
  sameAddress,
} from "@conntrail/model";
import { addAggregate, NOT_ATTRIBUTED } from "./aggregates.ts";
import { closeFlow, dropFlow, insertFlow, supersedeFlow } from "./flow-life.ts";
import type { FlowTable } from "./flow-table.ts";
import { isTranslated, MARK, originalHash, ROW } from "./row.ts";
import { baseOf, copyFlow, doublesOf, findRow, pageOf, type RowStore, SLOT } from "./row-store.ts";

/** Takes a batch in. Copies its rows; the caller keeps the batch. */
export function takeBatch(table: FlowTable, batch: FlowBatch): void {
  table.previousMs = table.batchMs;
  table.batch++;
  table.batchMs = batch.timeMs;
  if (batch.epoch !== table.epoch) {
    table.takingOver = table.epoch !== 0;
    table.epoch = batch.epoch;
  }
  const { rows } = batch;
  const doubles = new Float64Array(rows.buffer, rows.byteOffset, rows.length >>> 1);
  for (let i = 0; i < batch.count; i++) {
    const offset = i * FLOW_WORDS;
    const aggregated = (kindFlags(rows[offset + FLOW.kind]!) & FLOW_FLAG.aggregated) !== 0;
    if (aggregated) takeAggregated(table, rows, offset);
    else takeRow(table, batch.changes[i] as FlowChange, rows, doubles, offset);
  }
  if (table.takingOver && batch.health.completeSinceMs !== null) {
    endOtherEpochs(table);
    table.takingOver = false;
  }
}

function takeRow(table: FlowTable, change: FlowChange, rows: Uint32Array, doubles: Float64Array, offset: number): void {
  const flags = kindFlags(rows[offset + FLOW.kind]!);
  const { store } = table;
  const hash = originalHash(rows, offset);
  const first = (offset + FLOW.firstSeenMs) >> 1;
  let slot = findRow(store, hash, rows, offset);
  if (slot >= 0 && !isSameFlow(table, slot, flags, doubles, first)) {
    supersedeFlow(table, slot);
    slot = -1;
  }
  if (change === FLOW_CHANGE.evicted) {
    if (slot >= 0) dropFlow(table, slot);
    return;
  }
  const ended = change !== FLOW_CHANGE.upsert || (flags & FLOW_FLAG.closed) !== 0;
  if (slot >= 0) updateRow(table, slot, rows, offset, doubles);
  else {
    // A flow that a new life of the ingest finds already closed was told by the life before, as far as anyone can know.
    if (ended && table.takingOver && (flags & FLOW_FLAG.fromDump) !== 0) return;
    slot = insertFlow(table, hash, rows, offset, ended, doubles[first]! > table.previousMs);
    if (slot < 0) return;
    markTuples(store, slot);
  }
  pageOf(store, slot)[baseOf(slot) + ROW.epoch] = table.epoch;
  if (ended) closeFlow(table, slot, change === FLOW_CHANGE.swept || change === FLOW_CHANGE.released);
}

/** A key can be used again; a flow keeps its first moment, unless a new life of the ingest learnt of it in its middle. */
function isSameFlow(table: FlowTable, slot: number, flags: number, doubles: Float64Array, first: number): boolean {
  const { store } = table;
  if (doublesOf(store, slot)[(baseOf(slot) + FLOW.firstSeenMs) >> 1] === doubles[first]) return true;
  const ended = (pageOf(store, slot)[baseOf(slot) + ROW.marks]! & MARK.closed) !== 0;
  return (flags & LEARNT_LATE) !== 0 && !ended;
}

const LEARNT_LATE = FLOW_FLAG.fromDump | FLOW_FLAG.beganUnseen;

const STICKY = FLOW_FLAG.updated | FLOW_FLAG.replied | FLOW_FLAG.established | FLOW_FLAG.pickedUp;

function updateRow(table: FlowTable, slot: number, rows: Uint32Array, offset: number, doubles: Float64Array): void {
  const { store } = table;
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  const kept = doublesOf(store, slot)[(base + FLOW.firstSeenMs) >> 1]!;
  const flags = kindFlags(page[base + FLOW.kind]!);
  const sameReply = hasSameReply(page, base, rows, offset);
  if (sameReply) for (let i = FLOW.kind; i < FLOW_WORDS; i++) page[base + i] = rows[offset + i]!;
  else copyFlow(page, base, rows, offset);
  if (kept !== doubles[(offset + FLOW.firstSeenMs) >> 1]) {
    // The same flow, learnt again: what was seen of it before still holds.
    doublesOf(store, slot)[(base + FLOW.firstSeenMs) >> 1] = kept;
    const again = kindFlags(page[base + FLOW.kind]!) & ~LEARNT_LATE;
    const whole = again | (flags & (LEARNT_LATE | STICKY));
    page[base + FLOW.kind] = (page[base + FLOW.kind]! & 0xffffff) | (whole << 24);
  }
  if (!sameReply) markTuples(store, slot);
}

/** The reply tuple of a flow hardly ever changes, and the original never: it is the key. */
function hasSameReply(page: Uint32Array, base: number, rows: Uint32Array, offset: number): boolean {
  return (
    page[base + FLOW.replyPorts] === rows[offset + FLOW.replyPorts] &&
    sameAddress(page, base + FLOW.replySource, rows, offset + FLOW.replySource) &&
    sameAddress(page, base + FLOW.replyDestination, rows, offset + FLOW.replyDestination)
  );
}

function markTuples(store: RowStore, slot: number): void {
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  let marks = page[base + ROW.marks]! & ~(MARK.nat | MARK.loopback);
  if (isTranslated(page, base)) marks |= MARK.nat;
  const loops =
    isLoopback(page, base + FLOW.originalSource) ||
    isLoopback(page, base + FLOW.originalDestination) ||
    isLoopback(page, base + FLOW.replySource) ||
    isLoopback(page, base + FLOW.replyDestination);
  if (loops) marks |= MARK.loopback;
  page[base + ROW.marks] = marks;
}

function takeAggregated(table: FlowTable, rows: Uint32Array, offset: number): void {
  if (!addAggregate(table.aggregates, rows, offset, NOT_ATTRIBUTED, table.limits.aggregates)) {
    table.dropped += rows[offset + FLOW.count]!;
  }
}

function endOtherEpochs(table: FlowTable): void {
  const { store } = table;
  for (let slot = 0; slot < store.slots; slot++) {
    if (store.states[slot] !== SLOT.active) continue;
    const page = pageOf(store, slot);
    const base = baseOf(slot);
    if ((page[base + ROW.marks]! & MARK.closed) !== 0) continue;
    if (page[base + ROW.epoch] !== table.epoch) closeFlow(table, slot, true);
  }
}
