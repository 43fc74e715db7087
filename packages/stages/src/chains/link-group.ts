/** Makes one connection of flows that take in the same tuple, where they make sense together. */
import { CONFIDENCE_CODE, EVIDENCE_CODE } from "../codes.ts";
import type { FlowBook } from "../flows/flow-book.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { isTurnable, keepsToItself, makesSense, ringEnds } from "./chain-rules.ts";
import { separateTold, tellLateMembers } from "./late-members.ts";
import { areLinked, joinRings, ringMembers, setRingEnds } from "./ring.ts";
import { compareEntry, entryOf, exitOf, SAME_WIRE } from "./wire.ts";

/** Links flows that take in the same tuple, and `bridge` (NO_ROW: none) that sends it. */
export function linkGroup(book: FlowBook, group: readonly Row[], bridge: Row): void {
  const { rows } = book;
  const present = bridge === NO_ROW ? group : [...group, bridge];
  if (present.length < 2 || present.every((row) => areLinked(rows, present[0]!, row))) return;
  const turned = findTurned(rows, group, bridge);
  if (turned === undefined) return;
  for (const row of turned) rows.turn(row);
  const linked = present.filter((row) => row === bridge || !keepsToItself(rows, row));
  const kept = separateTold(rows, linked);
  if (kept.length < 2 || !makesSense(rows, kept, kept.includes(bridge) ? bridge : NO_ROW)) {
    for (const row of turned) rows.turn(row);
    return;
  }
  for (const row of turned) {
    rows.setDirection(row, EVIDENCE_CODE.conntrack, CONFIDENCE_CODE.likely, rows.isSwapped(row));
  }
  const first = kept[0]!;
  for (const row of kept) if (!ringMembers(rows, first).includes(row)) joinRings(rows, first, row);
  const members = ringMembers(rows, first);
  const { head, tail } = ringEnds(rows, members);
  setRingEnds(rows, members, head, tail);
  tellLateMembers(book, members);
}

/** The flows that saw the connection the other way round than the others and the bridge, or undefined when they cannot be brought together. */
function findTurned(rows: FlowRows, group: readonly Row[], bridge: Row): Row[] | undefined {
  const sure = group.find((row) => !isTurnable(rows, row)) ?? group[0]!;
  const wire = bridge === NO_ROW ? entryOf(rows, sure) : exitOf(rows, bridge);
  const turned: Row[] = [];
  for (const row of group) {
    const same = compareEntry(rows, row, wire);
    if (same === SAME_WIRE.yes) continue;
    if (same === SAME_WIRE.no || !isTurnable(rows, row)) return undefined;
    turned.push(row);
  }
  return turned;
}
