/**
 * One connection that several network namespaces track is one connection (F33, F36): flows of different namespaces are linked
 * when the tuple that one sends out is the tuple that the other takes in. All flows on one such wire must make sense together: one
 * source of its packets, one that takes them off, every namespace once. Where they do not (overlapping addresses), none is linked (F37).
 */
import { type FlowBook, MAX_FRESH } from "../flows/flow-book.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { canMeet, endsHere, isTurnable } from "./chain-rules.ts";
import { connectionsOf } from "./connections-of-wire.ts";
import { linkGroup } from "./link-group.ts";
import { areLinked } from "./ring.ts";
import { compareEntry, entryOf, exitHash, exitOf, SAME_WIRE, staysInside, type Wire } from "./wire.ts";

/** Links what belongs together, on the wires of rows that are new or touched. Ends must be located. */
export function linkChains(book: FlowBook): void {
  const { rows, fresh, touched } = book;
  const done = new Set<Row>();
  if (fresh.length > MAX_FRESH || touched.length > MAX_FRESH) {
    for (let row = rows.afterAny(NO_ROW); row !== NO_ROW; row = rows.afterAny(row)) linkWiresOf(book, row, done);
    return;
  }
  for (const row of fresh) linkWiresOf(book, row, done);
  for (const row of touched) linkWiresOf(book, row, done);
}

/** Links the flows on the wires that a row's packets come in by and go out on. `done`: first rows of wires that were looked at. */
function linkWiresOf(book: FlowBook, row: Row, done: Set<Row>): void {
  const { rows } = book;
  if (!rows.isFindable(row)) return;
  if (hasNews(rows, row)) linkWire(book, row, done);
  if (!rows.isTranslated(row)) return;
  const { first, linked } = takersOf(rows, row);
  if (!linked) linkWire(book, first, done);
}

/** True when a row shares its wire with one that it is not linked with. For most rows there is none. */
function hasNews(rows: FlowRows, row: Row): boolean {
  const hash = rows.hash(row);
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const other = rows.rowAt(at);
    if (other !== row && !areLinked(rows, row, other)) return true;
  }
  for (let at = rows.firstTranslator(hash); at >= 0; at = rows.nextTranslator(hash, at)) {
    const other = rows.translatorAt(at);
    if (other !== row && !areLinked(rows, row, other)) return true;
  }
  return false;
}

/** Links the flows that take in what a row takes in, and those that send it. The lowest of them stands for the wire. */
function linkWire(book: FlowBook, row: Row, done: Set<Row>): void {
  const { rows } = book;
  let first = row;
  let members = findMembers(rows, first);
  for (let lowest = lowestOf(members); lowest < first; lowest = lowestOf(members)) {
    first = lowest;
    members = findMembers(rows, first);
  }
  if (members.length === 0 || done.has(first)) return;
  done.add(first);
  const senders = findSenders(rows, first);
  if (members.length + senders.length < 2) return;
  // A tuple is used again and again: its connections are told apart by the order in which each namespace told of them.
  for (const { group, sender } of connectionsOf(rows, members, senders)) linkGroup(book, group, sender);
}

function lowestOf(members: readonly Row[]): Row {
  let lowest = Number.POSITIVE_INFINITY;
  for (const member of members) lowest = Math.min(lowest, member);
  return lowest as Row;
}

/** The flows that take in what this one takes in, itself first; empty when nothing can be said. */
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
    members.push(other);
  }
  return members;
}

/** The translating flows that send onto the wire of its first row, and are not linked with all of it. */
function findSenders(rows: FlowRows, first: Row): Row[] {
  const senders: Row[] = [];
  const consider = (row: Row): void => {
    const takers = takersOf(rows, row);
    if (takers.first === first && !takers.linked) senders.push(row);
  };
  const hash = rows.hash(first);
  for (let at = rows.firstTranslator(hash); at >= 0; at = rows.nextTranslator(hash, at)) {
    if (!rows.isSwapped(rows.translatorAt(at))) consider(rows.translatorAt(at));
  }
  // One that was turned sends what its original tuple, by which it is known, is the reverse of.
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const row = rows.rowAt(at);
    if (rows.isTranslated(row) && rows.isSwapped(row)) consider(row);
  }
  return senders;
}

/** Of the flows that take in what a translating one sends: the lowest row, NO_ROW when there is none, and whether all are linked with it. */
function takersOf(rows: FlowRows, row: Row): { first: Row; linked: boolean } {
  const takers = { first: NO_ROW, linked: true };
  if (endsHere(rows, row)) return takers;
  const hash = exitHash(rows, row);
  let exit: Wire | undefined;
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const other = rows.rowAt(at);
    if (other === row || !canMeet(rows, row, other)) continue;
    exit ??= exitOf(rows, row);
    if (staysInside(rows, exit)) return { first: NO_ROW, linked: true };
    const same = compareEntry(rows, other, exit);
    if (same === SAME_WIRE.no || (same === SAME_WIRE.reversed && !isTurnable(rows, other))) continue;
    if (takers.first === NO_ROW || other < takers.first) takers.first = other;
    if (!areLinked(rows, row, other)) takers.linked = false;
  }
  return takers;
}
