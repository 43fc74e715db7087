/**
 * One connection that several network namespaces track is one connection (F33, F36): flows of different namespaces are linked
 * when the tuple that one sends out is the tuple that the other takes in. All flows on one such wire must make sense together: one
 * source of its packets, one that takes them off, every namespace once. Where they do not (overlapping addresses), none is linked (F37).
 */
import type { FlowBook } from "../flows/flow-book.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { canMeet, endsHere, isTurnable } from "./chain-rules.ts";
import { connectionsOf } from "./connections-of-wire.ts";
import { linkGroup } from "./link-group.ts";
import { areLinked } from "./ring.ts";
import { compareEntry, entryOf, exitHash, exitOf, SAME_WIRE, staysInside, type Wire } from "./wire.ts";

/** By the first row of a wire: the translating flows that send onto it and are not linked with all of it. */
type Senders = Map<Row, Row[]>;

/** Links what belongs together. Ends must be located. */
export function linkChains(book: FlowBook): void {
  const { rows } = book;
  const senders: Senders = new Map();
  for (let row = rows.afterAny(NO_ROW); row !== NO_ROW; row = rows.afterAny(row)) {
    if (rows.isTranslated(row) && rows.isFindable(row)) noteSender(rows, row, senders);
  }
  for (let row = rows.afterAny(NO_ROW); row !== NO_ROW; row = rows.afterAny(row)) {
    if (rows.isFindable(row)) linkWire(book, row, senders.get(row) ?? []);
  }
}

/** Notes a translating flow with the wire that it sends onto. */
function noteSender(rows: FlowRows, row: Row, senders: Senders): void {
  if (endsHere(rows, row)) return;
  const hash = exitHash(rows, row);
  let exit: Wire | undefined;
  let first = NO_ROW;
  let linked = true;
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const other = rows.rowAt(at);
    if (other === row || !canMeet(rows, row, other)) continue;
    exit ??= exitOf(rows, row);
    if (staysInside(rows, exit)) return;
    const same = compareEntry(rows, other, exit);
    if (same === SAME_WIRE.no || (same === SAME_WIRE.reversed && !isTurnable(rows, other))) continue;
    if (first === NO_ROW || other < first) first = other;
    if (!areLinked(rows, row, other)) linked = false;
  }
  if (first === NO_ROW || linked) return;
  const known = senders.get(first);
  if (known === undefined) senders.set(first, [row]);
  else known.push(row);
}

/** Links the flows on the wire that a flow's packets come in by. Works once per wire: for its first row. */
function linkWire(book: FlowBook, row: Row, senders: readonly Row[]): void {
  const { rows } = book;
  if (senders.length === 0 && !hasNews(rows, row)) return;
  const members = findMembers(rows, row);
  if (members.length + senders.length < 2 || members.length === 0) return;
  // A tuple is used again and again: its connections are told apart by the order in which each namespace told of them.
  for (const { group, sender } of connectionsOf(rows, members, senders)) linkGroup(book, group, sender);
}

/** True when a row shares its wire with one that it is not linked with. For most rows there is none. */
function hasNews(rows: FlowRows, row: Row): boolean {
  const hash = rows.hash(row);
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const other = rows.rowAt(at);
    if (other !== row && !areLinked(rows, row, other)) return true;
  }
  return false;
}

/** The flows that take in what this one takes in, itself first. Empty when one with an earlier row does, or nothing can be said. */
function findMembers(rows: FlowRows, row: Row): Row[] {
  // The index knows rows by their original tuple; a row that was turned and translates takes in another.
  if (rows.isTranslated(row) && rows.isSwapped(row)) return [];
  const entry = entryOf(rows, row);
  if (staysInside(rows, entry)) return [];
  const hash = rows.hash(row);
  const members = [row];
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const other = rows.rowAt(at);
    if (other === row || !canMeet(rows, row, other)) continue;
    const same = compareEntry(rows, other, entry);
    if (same === SAME_WIRE.no) continue;
    if (same === SAME_WIRE.reversed && !isTurnable(rows, other) && !isTurnable(rows, row)) continue;
    if (other < row) return [];
    members.push(other);
  }
  return members;
}
