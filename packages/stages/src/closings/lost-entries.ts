/**
 * Entries that are gone while their connection may live on: deleted by hand (`conntrack -D`, a flush), or timed out under a connection that was quiet for long. Conntrack only says
 * DESTROY. A TCP connection that ends passes through a closing state first; one that did not, and whose sockets were seen, is as long as they are: it keeps its row, with its direction, its
 * translation and its processes, until a table that is younger no longer shows them, or until its next packet makes an entry anew, which takes it over.
 */
import { CT_STATUS, CT_TCP_STATE, FLOW_FLAG, kindFlags, kindState, PROTOCOL, type Tick } from "@conntrail/model";
import { leaveConnection } from "../chains/leave-connection.ts";
import { ringMembers } from "../chains/ring.ts";
import type { FlowBook } from "../flows/flow-book.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import type { JoinContext } from "../owners/join-ends.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "../rows/row-end.ts";
import { isSide } from "../sockets/socket-mirror.ts";
import { NO_SOCKET } from "../sockets/socket-set.ts";
import { closeFlow, releaseFlow } from "./flow-endings.ts";

/** States in which a connection may be for as long as its processes like. */
const OPEN: ReadonlySet<number> = new Set([CT_TCP_STATE.established, CT_TCP_STATE.finWait, CT_TCP_STATE.closeWait]);

/** How long a row without an entry waits for a table that is younger. */
const MAX_WAIT_MS = 10_000;

/** Notes that a flow's entry is gone, or that the flow has ended. `unseen`: nobody saw how. */
export function endEntry(book: FlowBook, row: Row, unseen: boolean): void {
  const { rows } = book;
  if (!mayLiveOn(book.rows, row)) {
    closeFlow(book, row, unseen);
    return;
  }
  rows.loseKey(row);
  rows.loseEntry(row, unseen ? book.batchMs : rows.lastSeenMs(row));
  const next = nextOf(rows, row);
  if (next === NO_ROW) book.entryless.push(row);
  else endWithoutEntry(book, row, rows.firstSeenMs(next));
}

/** The row of a connection that began anew with the row's tuple: what nobody saw the end of may be missed only by a later dump. NO_ROW: there is none. */
function nextOf(rows: FlowRows, row: Row): Row {
  const hash = rows.hash(row);
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const other = rows.rowAt(at);
    if (rows.born(other) <= rows.born(row) || rows.netns(other) !== rows.netns(row) || rows.isPickedUp(other)) continue;
    if (rows.isSameAt(row, other, SOURCE_END) || rows.isReverseOf(row, other)) return other;
  }
  return NO_ROW;
}

/** True for a connection whose sockets were seen, or of which another namespace has an entry, and that was open when last heard of. */
function mayLiveOn(rows: FlowRows, row: Row): boolean {
  if (rows.isClosed(row) || rows.isTold(row) || rows.isEntryless(row) || !wasOpen(rows, row)) return false;
  // Its sockets went before it.
  if (rows.isStale(row)) return false;
  return rows.isKnownBySockets(row) || hasOtherEntry(rows, row);
}

/** True for a row that has ended with its entry alone. */
function hasLostEntry(rows: FlowRows, row: Row): boolean {
  return rows.isClosed(row) && wasOpen(rows, row);
}

/** True for a TCP connection that was open when conntrack last spoke of it. */
export function wasOpen(rows: FlowRows, row: Row): boolean {
  if (rows.protocol(row) !== PROTOCOL.tcp) return false;
  const flags = kindFlags(rows.kind(row));
  if ((flags & FLOW_FLAG.closed) !== 0 || !OPEN.has(kindState(rows.kind(row)))) return false;
  return (flags & FLOW_FLAG.established) !== 0 || (rows.status(row) & CT_STATUS.assured) !== 0;
}

/** True while another namespace has an entry of the connection. */
function hasOtherEntry(rows: FlowRows, row: Row): boolean {
  return ringMembers(rows, row).some((member) => member !== row && !rows.isClosed(member) && !rows.isEntryless(member));
}

/** A new row with the tuple of others: the last that lost its entry goes on in it when conntrack met it in the middle; the rest has ended, and all when it began anew. */
export function takeOver(book: FlowBook, row: Row): void {
  const { rows } = book;
  const goesOn = rows.isPickedUp(row);
  if (book.entryless.length === 0 && !goesOn) return;
  const old: Row[] = [];
  for (let at = rows.firstAt(rows.hash(row)); at >= 0; at = rows.nextAt(rows.hash(row), at)) {
    const other = rows.rowAt(at);
    if (other === row || rows.netns(other) !== rows.netns(row)) continue;
    if (!isOpen(rows, other) && !(goesOn && hasLostEntry(rows, other))) continue;
    if (rows.isSameAt(row, other, SOURCE_END) || rows.isReverseOf(row, other)) old.push(other);
  }
  old.sort((a, b) => rows.born(a) - rows.born(b));
  const last = goesOn ? old.pop() : undefined;
  for (const other of old) endWithoutEntry(book, other, rows.firstSeenMs(row));
  if (last === undefined) return;
  if (!rows.isTold(last)) continueIn(book, last, row);
  else if (endedElsewhere(rows, last)) giveUpPlace(rows, last);
}

/** A connection whose entry was lost was over by a moment at which its tuple was another's: so it was in every namespace that has lost it. */
function endWithoutEntry(book: FlowBook, row: Row, byMs: number): void {
  const { rows } = book;
  for (const member of ringMembers(rows, row)) {
    if (!rows.isEntryless(member)) continue;
    closeFlow(book, member, true);
    rows.closeBy(member, byMs);
  }
}

/** True when another namespace saw how the connection ended: what comes after is the rest of it. */
function endedElsewhere(rows: FlowRows, row: Row): boolean {
  return ringMembers(rows, row).some((member) => member !== row && rows.isClosed(member) && !wasOpen(rows, member));
}

/** A told row leaves its connection, and its tuple: the entry that came after it is linked in its stead, and is told with the others. */
function giveUpPlace(rows: FlowRows, row: Row): void {
  leaveConnection(rows, row);
  rows.unhook(row);
}

function continueIn(book: FlowBook, old: Row, row: Row): void {
  const { rows } = book;
  const turned = !rows.isSameAt(row, old, SOURCE_END);
  rows.inherit(row, old);
  rows.identify(row, rows.identity(old));
  rows.noteSince(row, rows.sinceMs(old));
  rows.noteSince(row, rows.firstSeenMs(old));
  rows.setDirection(row, rows.evidence(old), rows.confidence(old), rows.isSwapped(old) !== turned);
  for (const end of [SOURCE_END, REPLY_END]) {
    const from = turned ? otherEnd(end) : end;
    rows.setOwner(row, end, rows.owner(old, from), rows.reason(old, from));
    if (rows.hadSocket(old, from)) rows.noteSocket(row, end);
  }
  if (rows.isShown(old)) rows.setShown(row);
  if (rows.isClosed(old)) book.closed--;
  else book.live--;
  releaseFlow(book, old);
}

function otherEnd(end: RowEnd): RowEnd {
  return end === SOURCE_END ? REPLY_END : SOURCE_END;
}

function isOpen(rows: FlowRows, row: Row): boolean {
  return rows.isActive(row) && rows.isEntryless(row) && !rows.isClosed(row);
}

/** As a table was joined: ends the connections without an entry whose sockets it no longer has. */
export function watchEntryless(book: FlowBook, context: JoinContext, tableStartedMs: number): void {
  const { rows } = book;
  keepOpen(book, (row) => {
    if (rows.goneMs(row) >= tableStartedMs || hasOtherEntry(rows, row)) return true;
    return ringMembers(rows, row).some((member) => hasSocket(book, context, member));
  });
}

/** At a tick, when everything is settled: ends those that no table speaks for any more. `tableStartedMs`: when the latest one began, -Infinity when nobody looks. */
export function expireEntryless(book: FlowBook, tick: Tick, tableStartedMs: number): void {
  const { rows } = book;
  keepOpen(book, (row) => {
    if (hasOtherEntry(rows, row)) return true;
    if (!ringMembers(rows, row).some((member) => rows.isKnownBySockets(member))) return false;
    const goneMs = rows.goneMs(row);
    const isAwaited = !tick.final && tableStartedMs > Number.NEGATIVE_INFINITY && tick.timeMs - goneMs < MAX_WAIT_MS;
    return isAwaited || goneMs < tableStartedMs;
  });
}

function keepOpen(book: FlowBook, isAlive: (row: Row) => boolean): void {
  const { entryless, rows } = book;
  let kept = 0;
  for (const row of entryless) {
    if (!isOpen(rows, row)) continue;
    if (isAlive(row)) entryless[kept++] = row;
    else closeFlow(book, row, true);
  }
  entryless.length = kept;
}

/** True when the latest table has a socket of the row that is still part of a connection. */
function hasSocket({ rows }: FlowBook, { search, history }: JoinContext, row: Row): boolean {
  search.over(rows, row);
  return [SOURCE_END, REPLY_END].some((end) => {
    search.at(end);
    const socket = search.currentSocket;
    return socket !== NO_SOCKET && isSide(history.current, socket);
  });
}
