/** When flows on one wire can be one connection, and which of them has its opener and its server. Order of slots never matters. */
import { FLOW, FLOW_FLAG, kindFlags, PROTOCOL } from "@conntrail/model";
import { CONFIDENCE_CODE } from "./codes.ts";
import { confidenceOf } from "./decision.ts";
import { ringMembers } from "./ring.ts";
import { MARK, protocolAt, ROW } from "./row.ts";
import { baseOf, doublesOf, pageOf, type RowStore } from "./row-store.ts";
import { readEntry, readExit, sameTuple, WIRE_WORDS } from "./wire-tuple.ts";

/** A connection through more rows than this is none: addresses overlap. */
const MAX_MEMBERS = 32;

/** The MARK bits of a row. */
export function marksOf(store: RowStore, slot: number): number {
  return pageOf(store, slot)[baseOf(slot) + ROW.marks]!;
}

/** A word of a row. */
export function wordOf(store: RowStore, slot: number, word: number): number {
  return pageOf(store, slot)[baseOf(slot) + word]!;
}

/** True when the opener's packets end in the flow's own namespace: they go out on no wire. */
export function endsHere(marks: number): boolean {
  return (marks & ((marks & MARK.swapped) === 0 ? MARK.replyOwn : MARK.sourceOwn)) !== 0;
}

/** True when the opener's packets begin in the flow's own namespace. */
function beginsHere(marks: number): boolean {
  return (marks & ((marks & MARK.swapped) === 0 ? MARK.sourceOwn : MARK.replyOwn)) !== 0;
}

/** True when nobody else sees the tuple that a flow begins with: it is translated, or ends, where it begins. */
export function keepsToItself(marks: number): boolean {
  return beginsHere(marks) && ((marks & MARK.nat) !== 0 || endsHere(marks));
}

/** True for a row that may have its direction from other members: not translated, and not sure of its own. */
export function isTurnable(store: RowStore, slot: number): boolean {
  if (protocolAt(pageOf(store, slot), baseOf(slot)) !== PROTOCOL.tcp) return false;
  if ((marksOf(store, slot) & MARK.nat) !== 0) return false;
  return confidenceOf(wordOf(store, slot, ROW.decision)) !== CONFIDENCE_CODE.certain;
}

/** True when both rows may speak of one packet: protocol and zone are the same. */
export function canMeet(store: RowStore, a: number, b: number): boolean {
  if (protocolAt(pageOf(store, a), baseOf(a)) !== protocolAt(pageOf(store, b), baseOf(b))) return false;
  return ((wordOf(store, a, FLOW.zone) ^ wordOf(store, b, FLOW.zone)) & 0xffff) === 0;
}

/** True when the lives of two rows overlap, within `lagMs`. */
export function overlap(store: RowStore, a: number, b: number, lagMs: number): boolean {
  return endMs(store, a) + lagMs >= startMs(store, b) && endMs(store, b) + lagMs >= startMs(store, a);
}

/** The rows that lived when the youngest began; of rows that share a namespace only the youngest. */
export function contemporaries(store: RowStore, slots: readonly number[], lagMs: number): number[] {
  const youngest = Math.max(...slots.map((slot) => startMs(store, slot)));
  return slots.filter(
    (slot) =>
      endMs(store, slot) + lagMs >= youngest &&
      !slots.some((other) => other !== slot && isSuccessor(store, other, slot)),
  );
}

/** True when the rows on a wire, and `bridge` that sends onto it, can be one connection. */
export function makesSense(store: RowStore, linked: readonly number[], bridge: number): boolean {
  let sources = bridge < 0 ? 0 : 1;
  let takers = 0;
  for (const slot of linked) {
    if (slot === bridge) continue;
    const marks = marksOf(store, slot);
    if (beginsHere(marks)) sources++;
    if ((marks & MARK.nat) !== 0 || endsHere(marks)) takers++;
  }
  if (sources > 1 || takers > 1) return false;
  const all = [...new Set(linked.flatMap((slot) => ringMembers(store, slot)))];
  if (all.length > MAX_MEMBERS) return false;
  return !all.some((a, i) => all.some((b, j) => j > i && isSamePlace(store, a, b)));
}

/** The members that have the opener and the server. */
export function ringEnds(store: RowStore, members: readonly number[]): { head: number; tail: number } {
  return {
    head: best(store, members, (slot) => headScore(store, slot, members)),
    tail: best(store, members, (slot) => tailScore(store, slot, members)),
  };
}

function headScore(store: RowStore, slot: number, members: readonly number[]): number {
  readEntry(store, slot, tuple);
  const fed = members.some((other) => other !== slot && isTranslating(store, other) && exitIs(store, other, tuple));
  return (fed ? -8 : 0) + (beginsHere(marksOf(store, slot)) ? 4 : 0) + (isTranslating(store, slot) ? 0 : 2);
}

function tailScore(store: RowStore, slot: number, members: readonly number[]): number {
  readExit(store, slot, tuple);
  const translating = isTranslating(store, slot);
  const feeds = members.some(
    (other) => other !== slot && (translating || isTranslating(store, other)) && entryIs(store, other, tuple),
  );
  return (feeds ? -8 : 0) + (endsHere(marksOf(store, slot)) ? 4 : 0) + (translating ? 0 : 2);
}

/** The member with the highest score; of equals the one in the namespace with the lowest inode. */
function best(store: RowStore, members: readonly number[], score: (slot: number) => number): number {
  let chosen = members[0]!;
  let highest = Number.NEGATIVE_INFINITY;
  for (const slot of members) {
    const own = score(slot);
    const nearer = wordOf(store, slot, FLOW.netns) < wordOf(store, chosen, FLOW.netns);
    if (own > highest || (own === highest && nearer)) {
      chosen = slot;
      highest = own;
    }
  }
  return chosen;
}

const tuple = new Uint32Array(WIRE_WORDS);
const otherTuple = new Uint32Array(WIRE_WORDS);

function exitIs(store: RowStore, slot: number, wire: Uint32Array): boolean {
  readExit(store, slot, otherTuple);
  return sameTuple(otherTuple, wire);
}

function entryIs(store: RowStore, slot: number, wire: Uint32Array): boolean {
  readEntry(store, slot, otherTuple);
  return sameTuple(otherTuple, wire);
}

function isTranslating(store: RowStore, slot: number): boolean {
  return (marksOf(store, slot) & MARK.nat) !== 0;
}

/** The same namespace cannot take the same tuple in twice for one connection. */
function isSamePlace(store: RowStore, a: number, b: number): boolean {
  if (wordOf(store, a, FLOW.netns) !== wordOf(store, b, FLOW.netns)) return false;
  readEntry(store, a, tuple);
  return entryIs(store, b, tuple);
}

function isSuccessor(store: RowStore, later: number, earlier: number): boolean {
  if (wordOf(store, later, FLOW.netns) !== wordOf(store, earlier, FLOW.netns)) return false;
  return (marksOf(store, earlier) & MARK.closed) !== 0 && startMs(store, later) > startMs(store, earlier);
}

const OLDER_THAN_SEEN = FLOW_FLAG.fromDump | FLOW_FLAG.beganUnseen | FLOW_FLAG.pickedUp;

function startMs(store: RowStore, slot: number): number {
  const flags = kindFlags(wordOf(store, slot, FLOW.kind));
  if ((flags & OLDER_THAN_SEEN) !== 0) return Number.NEGATIVE_INFINITY;
  return doublesOf(store, slot)[(baseOf(slot) + FLOW.firstSeenMs) >> 1]!;
}

function endMs(store: RowStore, slot: number): number {
  if ((marksOf(store, slot) & MARK.closed) === 0) return Number.POSITIVE_INFINITY;
  return doublesOf(store, slot)[(baseOf(slot) + ROW.closedMs) >> 1]!;
}
