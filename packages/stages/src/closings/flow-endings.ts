/** How a flow ends and goes: alive, then closed, then told, then silent or gone. Each connection is told as closed once. */
import { leaveConnection } from "../chains/leave-connection.ts";
import { dissolveRing, ringMembers } from "../chains/ring.ts";
import type { EndOwner } from "../flows/aggregates.ts";
import { type FlowBook, touch } from "../flows/flow-book.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import type { Row } from "../rows/row.ts";
import type { RowEnd } from "../rows/row-end.ts";

/** Notes that a flow has ended; `unseen`: nobody saw how. Does nothing when that is known. */
export function closeFlow(book: FlowBook, row: Row, unseen: boolean): void {
  const { rows } = book;
  if (rows.isClosed(row)) return;
  rows.close(row, unseen ? book.batchMs : rows.lastSeenMs(row), unseen);
  touch(book, row);
  book.live--;
  if (rows.isTold(row)) {
    retire(book, row);
    return;
  }
  book.closed++;
  if (book.closed > book.limits.closed) aggregateFlow(book, row);
}

/** Another flow has the row's key now: the row ends, unseen, and stays on its wire. */
export function supersedeFlow(book: FlowBook, row: Row): void {
  book.rows.loseKey(row);
  closeFlow(book, row, true);
}

/** The ingest lost the flow for want of room: it is gone from here too, counted, and not declared closed. */
export function dropFlow(book: FlowBook, row: Row): void {
  const { rows } = book;
  if (rows.isClosed(row)) return;
  book.live--;
  if (!rows.isTold(row)) book.dropped++;
  // What is left of its chain is linked anew by the next pass.
  for (const member of ringMembers(rows, row)) touch(book, member);
  dissolveRing(rows, row);
  releaseFlow(book, row);
}

/** Marks a connection as told: all of its rows. They are not emitted again. */
export function tellConnection(book: FlowBook, row: Row): void {
  for (const member of ringMembers(book.rows, row)) tellFlow(book, member);
}

/** Marks one row as told. */
export function tellFlow(book: FlowBook, row: Row): void {
  const { rows } = book;
  if (rows.isTold(row)) return;
  rows.setTold(row, rows.isClosed(row) ? Math.max(book.cutMs, rows.closedMs(row)) : book.cutMs);
  if (!rows.isClosed(row)) {
    // Nothing more will be heard of it.
    if (rows.isEntryless(row)) closeFlow(book, row, true);
    return;
  }
  book.closed--;
  retire(book, row);
}

/** Frees a row that is told or stands alone. */
export function releaseFlow(book: FlowBook, row: Row): void {
  const { rows, perNamespace } = book;
  const netns = rows.netns(row);
  const left = perNamespace.get(netns)! - 1;
  if (left === 0) perNamespace.delete(netns);
  else perNamespace.set(netns, left);
  leaveConnection(rows, row);
  rows.release(row);
}

/** A told row stays for a while, silently, so that its sockets are not taken for new connections. */
function retire(book: FlowBook, row: Row): void {
  const { rows, silent, limits } = book;
  if (limits.silent === 0) {
    releaseFlow(book, row);
    return;
  }
  rows.silence(row);
  silent.push(row);
  if (silent.length <= limits.silent) return;
  for (const old of silent.splice(0, Math.ceil(silent.length / 2))) releaseFlow(book, old);
}

/** More have ended than a report has room for: one of them goes into the aggregated rows, and counts as told. */
function aggregateFlow(book: FlowBook, row: Row): void {
  const { rows, aggregates } = book;
  const added = aggregates.add(rows.words, row, {
    opener: ownerAt(rows, row, rows.opener(row)),
    server: ownerAt(rows, row, rows.server(row)),
    evidence: rows.evidence(row),
    confidence: rows.confidence(row),
    swapped: rows.isSwapped(row),
  });
  if (added) book.aggregated += rows.count(row);
  else book.dropped += rows.count(row);
  tellConnection(book, row);
}

function ownerAt(rows: FlowRows, row: Row, end: RowEnd): EndOwner {
  return { owner: rows.owner(row, end), reason: rows.reason(row, end) };
}
