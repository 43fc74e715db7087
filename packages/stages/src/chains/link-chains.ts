/**
 * One connection that several network namespaces track is one connection (F33, F36): flows of different namespaces are linked
 * when the tuple that one sends out is the tuple that the other takes in. All flows on one such wire must make sense together: one
 * source of its packets, one that takes them off, every namespace once. Where they do not (overlapping addresses), none is linked (F37).
 */
import type { FlowBook } from "../flows/flow-book.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { canMeet, contemporaries, endsHere, isTurnable, overlap } from "./chain-rules.ts";
import { linkGroup } from "./link-group.ts";
import { areLinked } from "./ring.ts";
import { compareEntry, entryOf, exitHash, exitOf, SAME_WIRE, staysInside, type Wire } from "./wire.ts";

/** Links what belongs together. Ends must be located. */
export function linkChains(book: FlowBook): void {
  const { rows } = book;
  for (let row = rows.afterAny(NO_ROW); row !== NO_ROW; row = rows.afterAny(row)) {
    if (rows.isTranslated(row) && rows.isFindable(row)) claimNextWire(rows, row);
  }
  for (let row = rows.afterAny(NO_ROW); row !== NO_ROW; row = rows.afterAny(row)) {
    if (rows.isFindable(row)) linkWire(book, row);
  }
}

/** The claim of several flows. */
const CLASH = -1;

/** Tells the flows on the wire behind a translating flow who sends there. */
function claimNextWire(rows: FlowRows, row: Row): void {
  if (endsHere(rows, row)) return;
  const hash = exitHash(rows, row);
  let exit: Wire | undefined;
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const other = rows.rowAt(at);
    if (other === row || !canMeet(rows, row, other) || !overlap(rows, row, other)) continue;
    exit ??= exitOf(rows, row);
    if (staysInside(rows, exit)) return;
    const same = compareEntry(rows, other, exit);
    if (same === SAME_WIRE.no || (same === SAME_WIRE.reversed && !isTurnable(rows, other))) continue;
    const claim = rows.claim(other);
    rows.setClaim(other, claim === NO_ROW || claim === row ? row : CLASH);
  }
}

/** Links the flows on the wire that a flow's packets come in by. Works once per wire: for its first row. */
function linkWire(book: FlowBook, row: Row): void {
  const { rows } = book;
  if (hasNews(rows, row)) {
    // A tuple is used again and again: whoever lived at the same time belongs together.
    for (let rest = findMembers(rows, row); rest.length > 0; ) {
      const group = contemporaries(rows, rest);
      const claim = sharedClaim(rows, group);
      if (claim !== CLASH) linkGroup(book, group, claim as Row);
      rest = rest.filter((member) => !group.includes(member));
    }
  }
  rows.setClaim(row, NO_ROW);
}

/** True when a row shares its wire with one that it is not linked with. For most rows there is none. */
function hasNews(rows: FlowRows, row: Row): boolean {
  const claim = rows.claim(row);
  if (claim !== NO_ROW && (claim === CLASH || !areLinked(rows, row, claim as Row))) return true;
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

/** The flow that sends to these, NO_ROW when there is none, CLASH when there are several. */
function sharedClaim(rows: FlowRows, members: readonly Row[]): number {
  const claims = new Set(members.map((row) => rows.claim(row)).filter((claim) => claim !== NO_ROW));
  const [only] = claims;
  return claims.size > 1 ? CLASH : (only ?? NO_ROW);
}
