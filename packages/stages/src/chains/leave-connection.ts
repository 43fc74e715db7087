/** A row leaves the connection that it is part of. */
import type { FlowRows } from "../flows/flow-rows.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { ringEnds } from "./chain-rules.ts";
import { leaveRing, ringMembers, setRingEnds } from "./ring.ts";

/** Takes a row out of its ring, and gives what remains its ends: a row that is gone may be another connection's soon, and those that still went by it would be taken for part of that. */
export function leaveConnection(rows: FlowRows, row: Row): void {
  if (rows.ringHead(row) === NO_ROW) return;
  const others = ringMembers(rows, row).slice(1);
  leaveRing(rows, row);
  if (others.length < 2) return;
  const { head, tail } = ringEnds(rows, others);
  setRingEnds(rows, others, head, tail);
}
