/**
 * One connection that several network namespaces track is one connection (F33, F36): flows of different namespaces are linked
 * when the tuple that one sends out is the tuple that the other takes in. All flows on one such wire must make sense together: one
 * source of its packets, one that takes them off, every namespace once. Where they do not (overlapping addresses), none is linked (F37).
 */
import {
  canMeet,
  contemporaries,
  endsHere,
  isTurnable,
  keepsToItself,
  makesSense,
  marksOf,
  overlap,
  ringEnds,
  wordOf,
} from "./chain-rules.ts";
import { CONFIDENCE_CODE, EVIDENCE_CODE } from "./codes.ts";
import { replaceDirection, verdict } from "./decision.ts";
import { tellRow } from "./flow-life.ts";
import type { FlowTable } from "./flow-table.ts";
import { entryValue, firstEntry, nextEntry } from "./hash-index.ts";
import { joinRings, leaveRing, ringMembers, setRingEnds } from "./ring.ts";
import { MARK, ROW } from "./row.ts";
import { baseOf, pageOf, type RowStore, SLOT } from "./row-store.ts";
import { compareEntry, exitHash, readEntry, readExit, SAME_WIRE, staysInside, WIRE_WORDS } from "./wire-tuple.ts";

/** Links what belongs together. `lagMs`: how far the clocks of two events about one packet may differ. Local marks must be set. */
export function linkChains(table: FlowTable, lagMs: number): void {
  const { store } = table;
  for (let slot = 0; slot < store.slots; slot++) {
    if (store.states[slot] === SLOT.free) continue;
    const marks = marksOf(store, slot);
    if ((marks & (MARK.hooked | MARK.nat)) === (MARK.hooked | MARK.nat)) claimNextWire(store, slot, marks, lagMs);
  }
  for (let slot = 0; slot < store.slots; slot++) {
    if (store.states[slot] !== SLOT.free && (marksOf(store, slot) & MARK.hooked) !== 0) linkWire(table, slot, lagMs);
  }
}

const CLASH = 0xffffffff;
const tuple = new Uint32Array(WIRE_WORDS);

/** Tells the flows on the wire behind a translating flow who sends there. */
function claimNextWire(store: RowStore, slot: number, marks: number, lagMs: number): void {
  if (endsHere(marks)) return;
  const hash = exitHash(store, slot);
  let read = false;
  for (let at = firstEntry(store.index, hash); at >= 0; at = nextEntry(store.index, hash, at)) {
    const other = entryValue(store.index, at);
    if (other === slot || !canMeet(store, slot, other) || !overlap(store, slot, other, lagMs)) continue;
    if (!read) readExit(store, slot, tuple);
    read = true;
    if (staysInside(tuple)) return;
    const same = compareEntry(store, other, tuple);
    if (same === SAME_WIRE.no || (same === SAME_WIRE.reversed && !isTurnable(store, other))) continue;
    const page = pageOf(store, other);
    const claim = baseOf(other) + ROW.inBridge;
    page[claim] = page[claim] === 0 || page[claim] === slot + 1 ? slot + 1 : CLASH;
  }
}

/** Links the flows on the wire that a flow's packets come in by. Works once per wire: for its lowest slot. */
function linkWire(table: FlowTable, slot: number, lagMs: number): void {
  const { store } = table;
  if (!hasNews(store, slot)) return;
  // A tuple is used again and again: whoever lived at the same time belongs together.
  for (let rest = findMembers(store, slot); rest.length > 0; ) {
    const group = contemporaries(store, rest, lagMs);
    const claim = sharedClaim(store, group);
    if (claim !== CLASH) linkGroup(table, group, claim - 1);
    rest = rest.filter((member) => !group.includes(member));
  }
  pageOf(store, slot)[baseOf(slot) + ROW.inBridge] = 0;
}

/** True when a row shares its wire with one that it is not linked with. For most rows there is none. */
function hasNews(store: RowStore, slot: number): boolean {
  const claim = claimOf(store, slot);
  if (claim !== 0 && (claim === CLASH || !areLinked(store, slot, claim - 1))) return true;
  const hash = wordOf(store, slot, ROW.hash);
  for (let at = firstEntry(store.index, hash); at >= 0; at = nextEntry(store.index, hash, at)) {
    const other = entryValue(store.index, at);
    if (other !== slot && !areLinked(store, slot, other)) return true;
  }
  pageOf(store, slot)[baseOf(slot) + ROW.inBridge] = 0;
  return false;
}

function areLinked(store: RowStore, a: number, b: number): boolean {
  const head = wordOf(store, a, ROW.ringHead);
  return head !== 0 && head === wordOf(store, b, ROW.ringHead);
}

/** The flows that take in what this one takes in, itself first. Empty when one with a lower slot does, or nothing can be said. */
function findMembers(store: RowStore, slot: number): number[] {
  const page = pageOf(store, slot);
  const marks = page[baseOf(slot) + ROW.marks]!;
  // The index knows rows by their original tuple; a row that was turned and translates takes in another.
  if ((marks & MARK.nat) !== 0 && (marks & MARK.swapped) !== 0) return [];
  const hash = page[baseOf(slot) + ROW.hash]!;
  const members = [slot];
  readEntry(store, slot, tuple);
  if (staysInside(tuple)) return [];
  for (let at = firstEntry(store.index, hash); at >= 0; at = nextEntry(store.index, hash, at)) {
    const other = entryValue(store.index, at);
    if (other === slot || !canMeet(store, slot, other)) continue;
    const same = compareEntry(store, other, tuple);
    if (same === SAME_WIRE.no) continue;
    if (same === SAME_WIRE.reversed && !isTurnable(store, other) && !isTurnable(store, slot)) continue;
    if (other < slot) return [];
    members.push(other);
  }
  return members;
}

function claimOf(store: RowStore, slot: number): number {
  return wordOf(store, slot, ROW.inBridge);
}

/** 1 + the slot of the flow that sends to these, 0 when there is none, CLASH when there are several. */
function sharedClaim(store: RowStore, slots: readonly number[]): number {
  const claims = new Set(slots.map((slot) => claimOf(store, slot)).filter((claim) => claim !== 0));
  const [only] = claims;
  return claims.size > 1 ? CLASH : (only ?? 0);
}

/** Links flows that take in the same tuple, and `bridge` (-1: none) that sends it. */
function linkGroup(table: FlowTable, group: readonly number[], bridge: number): void {
  const { store } = table;
  const present = bridge < 0 ? group : [...group, bridge];
  const head = wordOf(store, present[0]!, ROW.ringHead);
  if (present.length < 2 || (head !== 0 && present.every((slot) => wordOf(store, slot, ROW.ringHead) === head))) return;
  const turned = findTurned(store, group, bridge);
  if (turned === undefined) return;
  for (const slot of turned) turn(store, slot);
  const linked = present.filter((slot) => slot === bridge || !keepsToItself(marksOf(store, slot)));
  const kept = separateTold(table, linked);
  if (kept.length < 2 || !makesSense(store, kept, kept.includes(bridge) ? bridge : -1)) {
    for (const slot of turned) turn(store, slot);
    return;
  }
  for (const slot of turned) {
    const swapped = (marksOf(store, slot) & MARK.swapped) !== 0;
    const direction = verdict(EVIDENCE_CODE.conntrack, CONFIDENCE_CODE.likely, swapped);
    replaceDirection(pageOf(store, slot), baseOf(slot), direction);
  }
  for (const slot of kept) if (!ringMembers(store, kept[0]!).includes(slot)) joinRings(store, kept[0]!, slot);
  settleRing(table, kept[0]!);
}

/** The flows that saw the connection the other way round than the others and the bridge, or undefined when they cannot be brought together. */
function findTurned(store: RowStore, group: readonly number[], bridge: number): number[] | undefined {
  if (bridge >= 0) readExit(store, bridge, tuple);
  else readEntry(store, group.find((slot) => !isTurnable(store, slot)) ?? group[0]!, tuple);
  const turned: number[] = [];
  for (const slot of group) {
    const same = compareEntry(store, slot, tuple);
    if (same === SAME_WIRE.yes) continue;
    if (same === SAME_WIRE.no || !isTurnable(store, slot)) return undefined;
    turned.push(slot);
  }
  return turned;
}

function turn(store: RowStore, slot: number): void {
  const page = pageOf(store, slot);
  page[baseOf(slot) + ROW.marks]! ^= MARK.swapped;
}

/**
 * A row that comes to a connection already told as closed is a late member of it, unless it was born well after that: then what
 * still lives of the old connection is part of a new one.
 */
function separateTold(table: FlowTable, slots: readonly number[]): readonly number[] {
  const { store } = table;
  const isTold = (slot: number): boolean => (marksOf(store, slot) & MARK.told) !== 0;
  const told = slots.filter(isTold);
  if (told.length === 0 || told.length === slots.length) return slots;
  const toldBatch = Math.max(...told.map((slot) => wordOf(store, slot, ROW.closedBatch)));
  const born = Math.max(...slots.filter((slot) => !isTold(slot)).map((slot) => wordOf(store, slot, ROW.bornBatch)));
  if (born <= toldBatch + 1) return slots;
  for (const slot of told) revive(store, slot);
  return slots.filter((slot) => (marksOf(store, slot) & MARK.told) === 0);
}

/** What still lives of a connection that was told as closed is told again; the rest leaves it. */
function revive(store: RowStore, slot: number): void {
  const living: number[] = [];
  for (const member of ringMembers(store, slot)) {
    if ((marksOf(store, member) & MARK.closed) !== 0) leaveRing(store, member);
    else living.push(member);
  }
  for (const member of living) pageOf(store, member)[baseOf(member) + ROW.marks]! &= ~MARK.told;
  if (living.length > 1) setEnds(store, living);
}

/** Finds the ends of a ring, and tells all of it when some of it was told. */
function settleRing(table: FlowTable, slot: number): void {
  const { store } = table;
  const members = ringMembers(store, slot);
  setEnds(store, members);
  if (members.some((member) => (marksOf(store, member) & MARK.told) !== 0)) {
    for (const member of members) tellRow(table, member);
  }
}

function setEnds(store: RowStore, members: readonly number[]): void {
  const { head, tail } = ringEnds(store, members);
  setRingEnds(store, members, head, tail);
}
