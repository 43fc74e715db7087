/** Rows that come to a connection that was told as closed: late members of it, or the beginning of another one with its tuple. */
import { tellFlow } from "../closings/flow-endings.ts";
import type { FlowBook } from "../flows/flow-book.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import type { Row } from "../rows/row.ts";
import { beganAfterMs, ringEnds } from "./chain-rules.ts";
import { leaveRing, ringMembers, setRingEnds } from "./ring.ts";

/**
 * The rows that are to be linked. A row that comes to a connection already told as closed is a late member of it, unless it began after that had
 * ended, and after the cut behind which it was told: then what still lives of the old connection is part of a new one.
 */
export function separateTold(rows: FlowRows, among: readonly Row[]): readonly Row[] {
  const told = among.filter((row) => rows.isTold(row));
  if (told.length === 0 || told.length === among.length) return among;
  const toldUpToMs = Math.max(...told.map((row) => rows.toldUpToMs(row)));
  const beganAfter = Math.max(...among.filter((row) => !rows.isTold(row)).map((row) => beganAfterMs(rows, row)));
  if (beganAfter <= toldUpToMs) return among;
  for (const row of told) revive(rows, row);
  return among.filter((row) => !rows.isTold(row));
}

/** Tells all members of a connection when some of them were told. */
export function tellLateMembers(book: FlowBook, members: readonly Row[]): void {
  if (members.some((row) => book.rows.isTold(row))) for (const row of members) tellFlow(book, row);
}

/** What still lives of a connection that was told as closed is told again; the rest leaves it. */
function revive(rows: FlowRows, row: Row): void {
  const living: Row[] = [];
  for (const member of ringMembers(rows, row)) {
    if (rows.isClosed(member)) leaveRing(rows, member);
    else living.push(member);
  }
  for (const member of living) rows.untell(member);
  if (living.length < 2) return;
  const { head, tail } = ringEnds(rows, living);
  setRingEnds(rows, living, head, tail);
}
