/** When flows on one wire can be one connection, and which of them has its opener and its server. The order of rows never matters. */
import { PROTOCOL } from "@conntrail/model";
import { CONFIDENCE_CODE } from "../codes.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { ringMembers } from "./ring.ts";
import { entryOf, exitOf, isSameWire } from "./wire.ts";

/** A connection through more rows than this is none: addresses overlap. */
const MAX_MEMBERS = 32;

/** True when the opener's packets end in the flow's own namespace: they go out on no wire. */
export function endsHere(rows: FlowRows, row: Row): boolean {
  return rows.isOwn(row, rows.server(row));
}

/** True when the opener's packets begin in the flow's own namespace. */
function beginsHere(rows: FlowRows, row: Row): boolean {
  return rows.isOwn(row, rows.opener(row));
}

/** True when nobody else sees the tuple that a flow begins with: it is translated, or ends, where it begins. */
export function keepsToItself(rows: FlowRows, row: Row): boolean {
  return beginsHere(rows, row) && (rows.isTranslated(row) || endsHere(rows, row));
}

/** True for a row that may have its direction from other members: not translated, and not sure of its own. */
export function isTurnable(rows: FlowRows, row: Row): boolean {
  if (rows.protocol(row) !== PROTOCOL.tcp || rows.isTranslated(row)) return false;
  return rows.confidence(row) !== CONFIDENCE_CODE.certain;
}

/** True when both rows may speak of one packet: protocol and zone are the same. */
export function canMeet(rows: FlowRows, a: Row, b: Row): boolean {
  return rows.protocol(a) === rows.protocol(b) && ((rows.zone(a) ^ rows.zone(b)) & 0xffff) === 0;
}

/** True when the lives of two rows can have overlapped. */
export function overlap(rows: FlowRows, a: Row, b: Row): boolean {
  return lastMs(rows, a) >= beganAfterMs(rows, b) && lastMs(rows, b) >= beganAfterMs(rows, a);
}

/** True when two rows can have begun by one packet, as far as their first events were seen. On the way from one namespace to the next it hardly takes longer than the reading of its events. */
export function beganTogether(rows: FlowRows, a: Row, b: Row): boolean {
  return rows.firstSeenMs(a) >= beganAfterMs(rows, b) && rows.firstSeenMs(b) >= beganAfterMs(rows, a);
}

/** True when the rows on a wire, and `bridge` (NO_ROW: none) that sends onto it, can be one connection. */
export function makesSense(rows: FlowRows, linked: readonly Row[], bridge: Row): boolean {
  let sources = bridge === NO_ROW ? 0 : 1;
  let takers = 0;
  for (const row of linked) {
    if (row === bridge) continue;
    if (beginsHere(rows, row)) sources++;
    if (rows.isTranslated(row) || endsHere(rows, row)) takers++;
  }
  if (sources > 1 || takers > 1) return false;
  const all = [...new Set(linked.flatMap((row) => ringMembers(rows, row)))];
  if (all.length > MAX_MEMBERS) return false;
  return !all.some((a, i) => all.some((b, j) => j > i && isSamePlace(rows, a, b)));
}

/** The members that have the opener and the server. */
export function ringEnds(rows: FlowRows, members: readonly Row[]): { head: Row; tail: Row } {
  return {
    head: best(rows, members, (row) => headScore(rows, row, members)),
    tail: best(rows, members, (row) => tailScore(rows, row, members)),
  };
}

function headScore(rows: FlowRows, row: Row, members: readonly Row[]): number {
  const entry = entryOf(rows, row);
  const fed = members.some(
    (other) => other !== row && rows.isTranslated(other) && isSameWire(rows, exitOf(rows, other), entry),
  );
  return (fed ? -8 : 0) + (beginsHere(rows, row) ? 4 : 0) + (rows.isTranslated(row) ? 0 : 2);
}

function tailScore(rows: FlowRows, row: Row, members: readonly Row[]): number {
  const exit = exitOf(rows, row);
  const translating = rows.isTranslated(row);
  const feeds = members.some(
    (other) =>
      other !== row && (translating || rows.isTranslated(other)) && isSameWire(rows, entryOf(rows, other), exit),
  );
  return (feeds ? -8 : 0) + (endsHere(rows, row) ? 4 : 0) + (translating ? 0 : 2);
}

/** The member with the highest score; of equals the one in the namespace with the lowest inode. */
function best(rows: FlowRows, members: readonly Row[], score: (row: Row) => number): Row {
  let chosen = members[0]!;
  let highest = Number.NEGATIVE_INFINITY;
  for (const row of members) {
    const own = score(row);
    const nearer = rows.netns(row) < rows.netns(chosen);
    if (own > highest || (own === highest && nearer)) {
      chosen = row;
      highest = own;
    }
  }
  return chosen;
}

/** The same namespace cannot take the same tuple in twice for one connection. */
function isSamePlace(rows: FlowRows, a: Row, b: Row): boolean {
  return rows.netns(a) === rows.netns(b) && isSameWire(rows, entryOf(rows, a), entryOf(rows, b));
}

/** The moment by which a flow had ended, or Infinity. Never before its beginning: recordings of others may have been made by a clock that was set. */
function lastMs(rows: FlowRows, row: Row): number {
  return Math.max(rows.endMs(row), beganAfterMs(rows, row));
}

/** The moment before which a flow cannot have begun. */
export function beganAfterMs(rows: FlowRows, row: Row): number {
  return hasLostBeginning(rows, row) ? Number.NEGATIVE_INFINITY : rows.beganAfterMs(row);
}

/** True when nobody saw a flow's beginning. */
export function hasLostBeginning(rows: FlowRows, row: Row): boolean {
  return rows.beganUnseen(row) || rows.isPickedUp(row);
}
