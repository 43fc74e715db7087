/** The rows of one connection in several namespaces, linked in a ring; each knows the ring's ends. */
import type { FlowRows } from "../flows/flow-rows.ts";
import { NO_ROW, type Row } from "../rows/row.ts";

/** The rows of a ring, `row` first; a row without a ring is alone in it. */
export function ringMembers(rows: FlowRows, row: Row): Row[] {
  const members = [row];
  for (let at = nextInRing(rows, row); at !== row; at = nextInRing(rows, at)) members.push(at);
  return members;
}

/** The row after `row` in its ring: itself when it is alone. */
export function nextInRing(rows: FlowRows, row: Row): Row {
  const next = rows.ringNext(row);
  return next === NO_ROW ? row : next;
}

/** True when two rows are in one ring. */
export function areLinked(rows: FlowRows, a: Row, b: Row): boolean {
  const head = rows.ringHead(a);
  return head !== NO_ROW && head === rows.ringHead(b);
}

/** Makes the rings of two rows one. They must not be in the same ring. */
export function joinRings(rows: FlowRows, a: Row, b: Row): void {
  const afterA = nextInRing(rows, a);
  rows.setRingNext(a, nextInRing(rows, b));
  rows.setRingNext(b, afterA);
}

/** Takes a row out of its ring. The ends of what remains have to be set anew. */
export function leaveRing(rows: FlowRows, row: Row): void {
  const after = nextInRing(rows, row);
  if (after === row) return;
  let before = after;
  while (nextInRing(rows, before) !== row) before = nextInRing(rows, before);
  if (before === after) standAlone(rows, after);
  else rows.setRingNext(before, after);
  standAlone(rows, row);
}

/** Makes every row of a ring stand alone. */
export function dissolveRing(rows: FlowRows, row: Row): void {
  for (const member of ringMembers(rows, row)) standAlone(rows, member);
}

/** Sets the ends of a ring on all of its members. */
export function setRingEnds(rows: FlowRows, members: readonly Row[], head: Row, tail: Row): void {
  for (const member of members) rows.setRingEnds(member, head, tail);
}

function standAlone(rows: FlowRows, row: Row): void {
  rows.setRingNext(row, NO_ROW);
  rows.setRingEnds(row, NO_ROW, NO_ROW);
}
