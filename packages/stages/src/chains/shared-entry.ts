/**
 * An entry that several connections share: conntrack knows no device, so connections of the same ends on two links (link-local addresses) are one entry in the
 * namespace where the links meet (F47). Each has an entry of its own at its other end, and is told by that.
 */
import type { FlowRows } from "../flows/flow-rows.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { canMeet, makesSense, overlap } from "./chain-rules.ts";
import { dissolveRing, ringMembers } from "./ring.ts";
import { compareEntry, entryOf, SAME_WIRE } from "./wire.ts";

/**
 * Notes it of a row whose sockets are on several devices, when at least two other namespaces tell of its tuple. Linked with one of them it stands for
 * that connection; what was linked before the ends were located, and makes no sense now, is taken apart.
 */
export function noteShared(rows: FlowRows, row: Row): void {
  if (rows.isTranslated(row) || rows.isShared(row) || !isToldByOthers(rows, row)) return;
  const linked = ringMembers(rows, row);
  if (linked.length > 1) {
    if (makesSense(rows, linked, NO_ROW)) return;
    dissolveRing(rows, row);
  }
  rows.setShared(row);
}

function isToldByOthers(rows: FlowRows, row: Row): boolean {
  const entry = entryOf(rows, row);
  const hash = rows.hash(row);
  const tellers = new Set<number>();
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const other = rows.rowAt(at);
    if (other === row || rows.netns(other) === rows.netns(row) || !canMeet(rows, row, other)) continue;
    if (compareEntry(rows, other, entry) !== SAME_WIRE.no && overlap(rows, row, other)) tellers.add(rows.netns(other));
  }
  return tellers.size > 1;
}
