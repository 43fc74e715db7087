/** Rows in pages, found by key through a hash index. A slot is a row's place for as long as it lives; freed slots are used again. */
import { FLOW, FLOW_WORDS } from "@conntrail/model";
import {
  addEntry,
  createHashIndex,
  entryValue,
  firstEntry,
  type HashIndex,
  nextEntry,
  removeEntry,
} from "./hash-index.ts";
import { MARK, ROW, ROW_WORDS, UNDECIDED } from "./row.ts";

const PAGE_SHIFT = 12;
const PAGE_ROWS = 1 << PAGE_SHIFT;

/** What a slot holds: nothing, a row, or a row that only waits to be released. */
export const SLOT = { free: 0, active: 1, silent: 2 } as const;

/** The store. Iterate slots from 0 to `slots` and skip those that are free. */
export interface RowStore {
  /** Offsets of the words that make the key, beside the protocol. */
  readonly key: Uint8Array;
  readonly pages: Uint32Array[];
  /** The same memory as doubles: half the word offset. */
  readonly doubles: Float64Array[];
  readonly index: HashIndex;
  /** SLOT of each slot: a pass over all slots touches only the rows that it is about. */
  states: Uint8Array;
  /** Rows held now. */
  size: number;
  /** Slots ever used. */
  slots: number;
  /** 1 + first free slot; a free row's first word is 1 + the next. */
  free: number;
}

/** An empty store whose rows are told apart by the words at `key` and their protocol. */
export function createRowStore(key: readonly number[]): RowStore {
  return {
    key: Uint8Array.from(key),
    pages: [],
    doubles: [],
    index: createHashIndex(PAGE_ROWS),
    states: new Uint8Array(PAGE_ROWS),
    size: 0,
    slots: 0,
    free: 0,
  };
}

/** The page that holds a slot's words. */
export function pageOf(store: RowStore, slot: number): Uint32Array {
  return store.pages[slot >>> PAGE_SHIFT]!;
}

/** The same page as doubles. */
export function doublesOf(store: RowStore, slot: number): Float64Array {
  return store.doubles[slot >>> PAGE_SHIFT]!;
}

/** Where the slot's words begin in its page. */
export function baseOf(slot: number): number {
  return (slot & (PAGE_ROWS - 1)) * ROW_WORDS;
}

/** The slot whose key equals that of the row at `offset`, or -1. */
export function findRow(store: RowStore, hash: number, words: Uint32Array, offset: number): number {
  const { index } = store;
  for (let at = firstEntry(index, hash); at >= 0; at = nextEntry(index, hash, at)) {
    const slot = entryValue(index, at);
    if (hasKey(store, slot, words, offset)) return slot;
  }
  return -1;
}

/** Copies the FLOW_WORDS words at `offset` into a new row that can be found by `hash`. Returns its slot. */
export function insertRow(store: RowStore, hash: number, words: Uint32Array, offset: number): number {
  const slot = takeSlot(store);
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  copyFlow(page, base, words, offset);
  page.fill(0, base + FLOW_WORDS, base + ROW_WORDS);
  page[base + ROW.hash] = hash;
  page[base + ROW.marks] = MARK.hooked;
  page[base + ROW.decision] = UNDECIDED;
  store.states[slot] = SLOT.active;
  addEntry(store.index, hash, slot);
  store.size++;
  return slot;
}

/** Copies the words of a flow; the merge's own words stay. */
export function copyFlow(page: Uint32Array, base: number, words: Uint32Array, offset: number): void {
  for (let i = 0; i < FLOW_WORDS; i++) page[base + i] = words[offset + i]!;
}

/** Takes a row out of the index: it stays, but another may have its key. */
export function unhookRow(store: RowStore, slot: number): void {
  const page = pageOf(store, slot);
  const marks = baseOf(slot) + ROW.marks;
  if ((page[marks]! & MARK.hooked) === 0) return;
  removeEntry(store.index, page[baseOf(slot) + ROW.hash]!, slot);
  page[marks]! &= ~MARK.hooked;
}

/** Frees a row. */
export function releaseRow(store: RowStore, slot: number): void {
  unhookRow(store, slot);
  const page = pageOf(store, slot);
  store.states[slot] = SLOT.free;
  page[baseOf(slot) + ROW.marks] = 0;
  page[baseOf(slot)] = store.free;
  store.free = slot + 1;
  store.size--;
}

function hasKey(store: RowStore, slot: number, words: Uint32Array, offset: number): boolean {
  const { key } = store;
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  for (let i = 0; i < key.length; i++) {
    const word = key[i]!;
    if (page[base + word] !== words[offset + word]) return false;
  }
  return ((page[base + FLOW.kind]! ^ words[offset + FLOW.kind]!) & 0xff) === 0;
}

function takeSlot(store: RowStore): number {
  if (store.free !== 0) {
    const slot = store.free - 1;
    store.free = pageOf(store, slot)[baseOf(slot)]!;
    return slot;
  }
  const slot = store.slots++;
  if (slot >>> PAGE_SHIFT === store.pages.length) {
    const page = new Uint32Array(PAGE_ROWS * ROW_WORDS);
    store.pages.push(page);
    store.doubles.push(new Float64Array(page.buffer));
    if (store.states.length < store.slots) store.states = twiceAsLong(store.states);
  }
  return slot;
}

function twiceAsLong(states: Uint8Array): Uint8Array {
  const longer = new Uint8Array(states.length * 2);
  longer.set(states);
  return longer;
}
