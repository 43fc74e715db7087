/** Batches of changed flows into the book. Keeps what the ingest says and adds nothing to it. */
import { FLOW_CHANGE, type FlowBatch } from "@conntrail/model";
import { closeFlow, dropFlow, supersedeFlow } from "../closings/flow-endings.ts";
import { endEntry, takeOver } from "../closings/lost-entries.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { SOURCE_END } from "../rows/row-end.ts";
import { NOT_ATTRIBUTED } from "./aggregates.ts";
import { BatchCursor } from "./batch-cursor.ts";
import { noteMaster } from "./find-master.ts";
import { type FlowBook, MAX_FRESH, touch } from "./flow-book.ts";
import type { FlowRows } from "./flow-rows.ts";

/** Takes a batch in. Copies its rows; the caller keeps the batch. */
export function takeBatch(book: FlowBook, batch: FlowBatch): void {
  book.previousMs = book.batchMs;
  book.batch++;
  book.batchMs = batch.timeMs;
  book.cutMs = batch.cutMs ?? book.previousMs;
  if (batch.epoch !== book.epoch) {
    book.takingOver = book.epoch !== 0;
    book.epoch = batch.epoch;
  }
  const cursor = new BatchCursor(batch);
  while (cursor.next()) {
    if (cursor.isAggregated) takeAggregated(book, cursor);
    else takeFlow(book, cursor);
  }
  if (book.takingOver && batch.health.completeSinceMs !== null) {
    endOtherEpochs(book);
    book.takingOver = false;
  }
}

function takeFlow(book: FlowBook, cursor: BatchCursor): void {
  const { rows } = book;
  const { hash } = cursor;
  let row = rows.find(hash, cursor.words, cursor.offset);
  if (row !== NO_ROW && !isSameFlow(book, row, cursor)) {
    supersedeFlow(book, row);
    row = NO_ROW;
  }
  if (cursor.change === FLOW_CHANGE.evicted) {
    if (row !== NO_ROW) dropFlow(book, row);
    return;
  }
  if (row === NO_ROW) {
    row = insertFlow(book, hash, cursor);
    if (row === NO_ROW) return;
    rows.noteTuples(row);
  } else if (rows.update(row, cursor.words, cursor.offset)) {
    rows.noteTuples(row);
    touch(book, row);
  }
  const { master, exact } = cursor;
  if (master !== undefined) noteMaster(rows, row, master);
  if (exact !== undefined) rows.exact.set(row, exact);
  else if (rows.exact.size > 0) rows.exact.delete(row);
  rows.setEpoch(row, book.epoch);
  if (!cursor.hasEnded) return;
  if (cursor.change === FLOW_CHANGE.destroyed || cursor.change === FLOW_CHANGE.swept)
    endEntry(book, row, cursor.isEndUnseen);
  else closeFlow(book, row, cursor.isEndUnseen);
}

/** A key can be used again; a flow keeps its first moment, unless a new life of the ingest learnt of it in its middle. */
function isSameFlow({ rows }: FlowBook, row: Row, cursor: BatchCursor): boolean {
  if (rows.firstSeenMs(row) === cursor.firstSeenMs) return true;
  return cursor.isLearntLate && !rows.isClosed(row);
}

/** A new row, or NO_ROW when the book is full: then an ended flow was added to the aggregated rows, a live one turned away. */
function insertFlow(book: FlowBook, hash: number, cursor: BatchCursor): Row {
  const { rows, limits } = book;
  // A flow that a new life of the ingest finds already closed was told by the life before, as far as anyone can know.
  if (cursor.hasEnded && book.takingOver && cursor.isFromDump) return NO_ROW;
  if (cursor.hasEnded && book.closed >= limits.closed) {
    if (book.aggregates.add(cursor.words, cursor.offset, NOT_ATTRIBUTED)) book.aggregated += cursor.count;
    else book.dropped += cursor.count;
    return NO_ROW;
  }
  if (!cursor.hasEnded && book.live >= limits.live) {
    if (cursor.firstSeenMs > book.previousMs) book.dropped++;
    return NO_ROW;
  }
  const isFirst = !rows.hasHash(hash);
  const row = rows.insert(hash, cursor.words, cursor.offset);
  if (!isFirst) {
    endBefore(rows, row);
    takeOver(book, row);
  }
  const { netns } = cursor;
  book.perNamespace.set(netns, (book.perNamespace.get(netns) ?? 0) + 1);
  rows.setBorn(row, ++book.births);
  if (book.fresh.length <= MAX_FRESH) book.fresh.push(row);
  book.live++;
  return row;
}

/** The kernel's table has a tuple once: what nobody saw the end of had ended when the next flow with its tuple was seen. */
function endBefore(rows: FlowRows, row: Row): void {
  const hash = rows.hash(row);
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const other = rows.rowAt(at);
    if (other === row || rows.netns(other) !== rows.netns(row) || !rows.isSameAt(row, other, SOURCE_END)) continue;
    if (rows.isClosed(other)) rows.closeBy(other, rows.firstSeenMs(row));
  }
}

function takeAggregated(book: FlowBook, cursor: BatchCursor): void {
  const added = book.aggregates.add(cursor.words, cursor.offset, NOT_ATTRIBUTED);
  if (!added) book.dropped += cursor.count;
}

function endOtherEpochs(book: FlowBook): void {
  const { rows } = book;
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) {
    if (!rows.isClosed(row) && !rows.isEntryless(row) && rows.epoch(row) !== book.epoch) closeFlow(book, row, true);
  }
}
