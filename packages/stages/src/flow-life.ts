/** How a row of the flow table comes, ends and goes: alive, then closed, then told, then silent or gone. Each connection is told as closed once. */
import { FLOW } from "@conntrail/model";
import { type Attribution, addAggregate, NOT_ATTRIBUTED } from "./aggregates.ts";
import { turnReasons } from "./decision.ts";
import type { FlowTable } from "./flow-table.ts";
import { dissolveRing, leaveRing, ringMembers } from "./ring.ts";
import { MARK, ROW } from "./row.ts";
import { baseOf, doublesOf, insertRow, pageOf, releaseRow, SLOT, unhookRow } from "./row-store.ts";

/** A new row, or -1 when the table is full: then an ended flow was added to the aggregated rows, a live one turned away. `fresh`: not counted yet. */
export function insertFlow(
  table: FlowTable,
  hash: number,
  rows: Uint32Array,
  offset: number,
  ended: boolean,
  fresh: boolean,
): number {
  if (ended && table.closed >= table.limits.closed) {
    aggregate(table, rows, offset, NOT_ATTRIBUTED);
    return -1;
  }
  if (!ended && table.live >= table.limits.live) {
    if (fresh) table.dropped++;
    return -1;
  }
  const slot = insertRow(table.store, hash, rows, offset);
  const netns = rows[offset + FLOW.netns]!;
  table.perNamespace.set(netns, (table.perNamespace.get(netns) ?? 0) + 1);
  pageOf(table.store, slot)[baseOf(slot) + ROW.bornBatch] = table.batch;
  table.live++;
  return slot;
}

/** Notes that a flow has ended; `unseen`: nobody saw how. Does nothing when that is known. */
export function closeFlow(table: FlowTable, slot: number, unseen: boolean): void {
  const page = pageOf(table.store, slot);
  const base = baseOf(slot);
  const marks = page[base + ROW.marks]!;
  if ((marks & MARK.closed) !== 0) return;
  page[base + ROW.marks] = marks | MARK.closed | (unseen ? MARK.endUnseen : 0);
  const doubles = doublesOf(table.store, slot);
  doubles[(base + ROW.closedMs) >> 1] = unseen ? table.batchMs : doubles[(base + FLOW.lastSeenMs) >> 1]!;
  table.live--;
  if ((marks & MARK.told) !== 0) {
    retire(table, slot);
    return;
  }
  page[base + ROW.closedBatch] = table.batch;
  table.closed++;
  if (table.closed > table.limits.closed) aggregateFlow(table, slot);
}

/** Another flow has the row's key now: the row ends, unseen, and can no longer be found. */
export function supersedeFlow(table: FlowTable, slot: number): void {
  unhookRow(table.store, slot);
  closeFlow(table, slot, true);
}

/** The ingest lost the flow for want of room: it is gone from here too, counted, and not declared closed. */
export function dropFlow(table: FlowTable, slot: number): void {
  const marks = pageOf(table.store, slot)[baseOf(slot) + ROW.marks]!;
  if ((marks & MARK.closed) !== 0) return;
  table.live--;
  if ((marks & MARK.told) === 0) table.dropped++;
  // What is left of its chain is linked anew by the next pass.
  dissolveRing(table.store, slot);
  releaseFlow(table, slot);
}

/** Marks a connection as told: all of its rows. They are not emitted again. */
export function tellFlow(table: FlowTable, slot: number): void {
  for (const member of ringMembers(table.store, slot)) tellRow(table, member);
}

/** Marks one row as told. */
export function tellRow(table: FlowTable, slot: number): void {
  const page = pageOf(table.store, slot);
  const base = baseOf(slot);
  const marks = page[base + ROW.marks]!;
  if ((marks & MARK.told) !== 0) return;
  page[base + ROW.marks] = marks | MARK.told;
  page[base + ROW.closedBatch] = table.batch;
  if ((marks & MARK.closed) === 0) return;
  table.closed--;
  retire(table, slot);
}

/** Frees a row that is told or stands alone. */
export function releaseFlow(table: FlowTable, slot: number): void {
  const netns = pageOf(table.store, slot)[baseOf(slot) + FLOW.netns]!;
  const rows = table.perNamespace.get(netns)! - 1;
  if (rows === 0) table.perNamespace.delete(netns);
  else table.perNamespace.set(netns, rows);
  leaveRing(table.store, slot);
  releaseRow(table.store, slot);
}

/** A told row stays for a while, silently, so that its sockets are not taken for new connections. */
function retire(table: FlowTable, slot: number): void {
  const { silent, limits } = table;
  if (limits.silent === 0) {
    releaseFlow(table, slot);
    return;
  }
  table.store.states[slot] = SLOT.silent;
  silent.push(slot);
  if (silent.length <= limits.silent) return;
  for (const old of silent.splice(0, Math.ceil(silent.length / 2))) releaseFlow(table, old);
}

function aggregateFlow(table: FlowTable, slot: number): void {
  const page = pageOf(table.store, slot);
  const base = baseOf(slot);
  const swapped = (page[base + ROW.marks]! & MARK.swapped) !== 0;
  const source = page[base + ROW.sourceOwner]!;
  const reply = page[base + ROW.replyOwner]!;
  const decision = page[base + ROW.decision]!;
  const attribution: Attribution = swapped
    ? { sourceOwner: reply, replyOwner: source, decision: turnReasons(decision), swapped }
    : { sourceOwner: source, replyOwner: reply, decision, swapped };
  aggregate(table, page, base, attribution);
  tellFlow(table, slot);
}

function aggregate(table: FlowTable, rows: Uint32Array, offset: number, attribution: Attribution): void {
  const count = rows[offset + FLOW.count]!;
  if (addAggregate(table.aggregates, rows, offset, attribution, table.limits.aggregates)) table.aggregated += count;
  else table.dropped += count;
}
