/** The rows of one connection in several namespaces, linked in a ring through ROW.ringNext; ROW.ringHead and ringTail name its ends. */
import { ROW } from "./row.ts";
import { baseOf, pageOf, type RowStore } from "./row-store.ts";

/** The slots of a row's ring, itself first; a row without a ring is alone in it. */
export function ringMembers(store: RowStore, slot: number): number[] {
  const members = [slot];
  for (let at = nextInRing(store, slot); at !== slot; at = nextInRing(store, at)) members.push(at);
  return members;
}

/** The slot after `slot` in its ring: itself when it is alone. */
export function nextInRing(store: RowStore, slot: number): number {
  const next = pageOf(store, slot)[baseOf(slot) + ROW.ringNext]!;
  return next === 0 ? slot : next - 1;
}

/** Makes the rings of two rows one. They must not be in the same ring. */
export function joinRings(store: RowStore, a: number, b: number): void {
  const afterA = nextInRing(store, a);
  setNext(store, a, nextInRing(store, b));
  setNext(store, b, afterA);
}

/** Takes a row out of its ring. The ends of what remains have to be set anew. */
export function leaveRing(store: RowStore, slot: number): void {
  const after = nextInRing(store, slot);
  if (after === slot) return;
  let before = after;
  while (nextInRing(store, before) !== slot) before = nextInRing(store, before);
  if (before === after) clearRing(store, after);
  else setNext(store, before, after);
  clearRing(store, slot);
}

/** Makes every row of a ring stand alone. */
export function dissolveRing(store: RowStore, slot: number): void {
  for (const member of ringMembers(store, slot)) clearRing(store, member);
}

/** Sets the ends of a ring on all of its members. */
export function setRingEnds(store: RowStore, members: readonly number[], head: number, tail: number): void {
  for (const slot of members) {
    const page = pageOf(store, slot);
    page[baseOf(slot) + ROW.ringHead] = head + 1;
    page[baseOf(slot) + ROW.ringTail] = tail + 1;
  }
}

function setNext(store: RowStore, slot: number, next: number): void {
  pageOf(store, slot)[baseOf(slot) + ROW.ringNext] = next + 1;
}

function clearRing(store: RowStore, slot: number): void {
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  page[base + ROW.ringNext] = 0;
  page[base + ROW.ringHead] = 0;
  page[base + ROW.ringTail] = 0;
}
