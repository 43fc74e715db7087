/** What was decided about a row, packed into ROW.decision: the reasons of both ends and the direction with its evidence. A better answer stays. */
import { CONFIDENCE_CODE, REASON } from "./codes.ts";
import { MARK, ROW } from "./row.ts";

/** Where the words of the row's two real ends lie, and which bits speak of them. */
export interface RowEnd {
  readonly owner: number;
  readonly reasonShift: number;
  readonly localMark: number;
  readonly ownMark: number;
}

/** The end at the original source: the opener, unless the row is swapped. */
export const SOURCE_END: RowEnd = {
  owner: ROW.sourceOwner,
  reasonShift: 0,
  localMark: MARK.sourceLocal,
  ownMark: MARK.sourceOwn,
};

/** The end at the reply source: the server, unless the row is swapped. */
export const REPLY_END: RowEnd = {
  owner: ROW.replyOwner,
  reasonShift: 8,
  localMark: MARK.replyLocal,
  ownMark: MARK.replyOwn,
};

/** The reason at an end, an index of OWNER_REASON. */
export function reasonOf(decision: number, end: RowEnd): number {
  return (decision >>> end.reasonShift) & 0xff;
}

/** The same decision for a row whose directions were exchanged. */
export function turnReasons(decision: number): number {
  return ((decision & 0xffff0000) | ((decision & 0xff) << 8) | ((decision >>> 8) & 0xff)) >>> 0;
}

/** The evidence of the direction, an index of EVIDENCE. */
export function evidenceOf(decision: number): number {
  return (decision >>> 16) & 0xff;
}

/** The confidence in the direction, an index of CONFIDENCE. */
export function confidenceOf(decision: number): number {
  return decision >>> 24;
}

/** Sets owner and reason of an end, unless what is there says more: owners are sticky, so that a closed connection still has them. */
export function setEnd(page: Uint32Array, base: number, end: RowEnd, owner: number, reason: number): void {
  const decision = page[base + ROW.decision]!;
  const before = reasonOf(decision, end);
  if (RANK[reason]! < RANK[before]!) return;
  page[base + end.owner] = owner;
  page[base + ROW.decision] = (decision & ~(0xff << end.reasonShift)) | (reason << end.reasonShift);
}

/** A direction as one number: evidence | confidence << 8 | swapped << 16. `swapped`: the opener is at the reply end. */
export function verdict(evidence: number, confidence: number, swapped: boolean): number {
  return evidence | (confidence << 8) | (swapped ? SWAPPED : 0);
}

const SWAPPED = 0x10000;

/** Sets the direction, unless an earlier decision is at least as sure. */
export function setDirection(page: Uint32Array, base: number, direction: number): void {
  const confidence = confidenceOf(page[base + ROW.decision]!);
  if (confidence === CONFIDENCE_CODE.none || ((direction >>> 8) & 0xff) > confidence)
    replaceDirection(page, base, direction);
}

/** Sets the direction whatever was decided before. */
export function replaceDirection(page: Uint32Array, base: number, direction: number): void {
  const decision = page[base + ROW.decision]!;
  page[base + ROW.decision] = ((decision & 0xffff) | ((direction & 0xffff) << 16)) >>> 0;
  const marks = page[base + ROW.marks]!;
  page[base + ROW.marks] = (direction & SWAPPED) !== 0 ? marks | MARK.swapped : marks & ~MARK.swapped;
}

/** How much a reason says. Of two that say the same, the later one holds. */
const RANK: Uint8Array = ranks();

function ranks(): Uint8Array {
  const rank = new Uint8Array(Object.keys(REASON).length);
  rank[REASON.ambiguous] = 1;
  rank[REASON["no-process"]] = 2;
  rank[REASON.permission] = 3;
  rank[REASON.listener] = 4;
  rank[REASON.known] = 5;
  return rank;
}
