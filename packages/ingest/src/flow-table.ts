/**
 * The flow table: rows of FLOW_WORDS words in pages, found through an open-addressing index. No object per flow, no tombstones; memory follows the
 * number of live rows in both directions. A row costs 176 bytes, its place in the index 8 to 11 (load 0.375 to
 * 0.75), its place in the change list 4. The hash of a key is not kept: an entry of the index knows how far it stands from where its hash says, which is
 * all that closing a gap asks for.
 * Rows are named by slot numbers, which change only in `compact`.
 */
import { FLOW_WORDS } from "@conntrail/model";
import { hashFlow, sameKey } from "./flow-key.ts";
import { TABLE_ROW } from "./flow-table-row.ts";
import { MARK } from "./row-marks.ts";

/** Rows of a page: 360 KB. */
const PAGE_BITS = 11;
const PAGE_ROWS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_ROWS - 1;

/** Bits of an index entry that name a slot (plus one, so that 0 is an empty entry); then the steps from its home to where it stands, and the highest bits of its hash. */
const SLOT_BITS = 22;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const STEPS_MASK = 0x1f;
const TAG_SHIFT = 27;

/** So many steps and more are not told apart. */
const FAR = STEPS_MASK;

/** The most rows a table can hold. */
const MAX_CAPACITY = SLOT_MASK - 1;

const SMALLEST_INDEX = 4096;

/** Flows by namespace, zone, protocol and original tuple. `capacity` is a hard limit; `seed` makes collisions unpredictable. */
export class FlowTable {
  readonly capacity: number;
  readonly #seed: number;
  #pages: Uint32Array[] = [];
  #floats: Float64Array[] = [];
  /** Per page: first free slot + 1 (linked through word 0), and how many are free. */
  #freeSlot: number[] = [];
  #freeCount: number[] = [];
  /** No page below this one has a free slot. */
  #lowestFree = 0;
  #index = new Uint32Array(SMALLEST_INDEX);
  #mask = SMALLEST_INDEX - 1;
  #size = 0;

  constructor(capacity: number, seed: number) {
    if (!(capacity >= 1 && capacity <= MAX_CAPACITY))
      throw new RangeError(`capacity ${capacity} is not 1 to ${MAX_CAPACITY}`);
    this.capacity = capacity;
    this.#seed = seed;
  }

  /** Rows in use. */
  get size(): number {
    return this.#size;
  }

  /** Slots that exist, in use or free: every slot number is below it. */
  get slots(): number {
    return this.#pages.length * PAGE_ROWS;
  }

  /** Bytes held by rows and index. */
  get bytes(): number {
    return this.slots * FLOW_WORDS * 4 + this.#index.byteLength;
  }

  /** The page of a slot, valid until `compact`. The row begins at `offset(slot)`. */
  page(slot: number): Uint32Array {
    return this.#pages[slot >>> PAGE_BITS]!;
  }

  /** The same page as doubles: a field at word `offset(slot) + f` is at half of it. */
  floats(slot: number): Float64Array {
    return this.#floats[slot >>> PAGE_BITS]!;
  }

  /** The word at which a slot's row begins inside its page. */
  offset(slot: number): number {
    return (slot & PAGE_MASK) * FLOW_WORDS;
  }

  /** True when the slot holds a row. */
  isLive(slot: number): boolean {
    return (this.page(slot)[this.offset(slot) + TABLE_ROW.marks]! & MARK.live) !== 0;
  }

  /** The hash of a row's key, for `find` and `insert`. */
  hash(row: Uint32Array): number {
    return hashFlow(row, 0, this.#seed);
  }

  /** The slot of the row with the same key as `row`, or -1. */
  find(row: Uint32Array, hash: number): number {
    const index = this.#index;
    const mask = this.#mask;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const entry = index[i]!;
      if (entry === 0) return -1;
      if ((entry ^ hash) >>> TAG_SHIFT !== 0) continue;
      const slot = (entry & SLOT_MASK) - 1;
      if (sameKey(this.#pages[slot >>> PAGE_BITS]!, (slot & PAGE_MASK) * FLOW_WORDS, row)) return slot;
    }
  }

  /** Copies `row`, whose key is not in the table, into a free slot and returns that; -1 when the table is full. Its marks are `live`. */
  insert(row: Uint32Array, hash: number): number {
    if (this.#size >= this.capacity) return -1;
    if ((this.#size + 1) * 4 > this.#index.length * 3) this.#resizeIndex(this.#index.length * 2);
    const slot = this.#takeSlot();
    const page = this.#pages[slot >>> PAGE_BITS]!;
    const at = (slot & PAGE_MASK) * FLOW_WORDS;
    const listed = page[at + TABLE_ROW.marks]! & MARK.listed;
    for (let i = 0; i < FLOW_WORDS; i++) page[at + i] = row[i]!;
    page[at + TABLE_ROW.marks] = listed | MARK.live;
    this.#addToIndex(hash, slot);
    this.#size++;
    return slot;
  }

  /** Frees the slot of a live row. */
  remove(slot: number): void {
    this.#removeFromIndex(slot);
    const page = slot >>> PAGE_BITS;
    const words = this.#pages[page]!;
    const at = (slot & PAGE_MASK) * FLOW_WORDS;
    words[at + TABLE_ROW.marks]! &= MARK.listed;
    words[at] = this.#freeSlot[page]!;
    this.#freeSlot[page] = slot + 1;
    this.#freeCount[page]!++;
    if (page < this.#lowestFree) this.#lowestFree = page;
    this.#size--;
  }

  /**
   * Gives memory back when at least two pages' worth of slots are free: moves the rows of the last page into free slots and drops the
   * page; at most one page per call. Slot numbers held outside are stale afterwards: no slot may be `listed`. Returns true when it did.
   */
  compact(): boolean {
    const last = this.#pages.length - 1;
    if (this.slots - this.#size < 2 * PAGE_ROWS + (this.slots >>> 2)) return false;
    const words = this.#pages[last]!;
    this.#freeCount[last] = 0; // so that no row of the page is moved into the page itself
    for (let i = 0; i < PAGE_ROWS; i++) {
      const at = i * FLOW_WORDS;
      if ((words[at + TABLE_ROW.marks]! & MARK.live) !== 0) this.#moveRow(last * PAGE_ROWS + i, this.#takeSlot());
    }
    this.#pages.pop();
    this.#floats.pop();
    this.#freeSlot.pop();
    this.#freeCount.pop();
    this.#lowestFree = Math.min(this.#lowestFree, this.#pages.length);
    if (this.#size * 8 < this.#index.length && this.#index.length > SMALLEST_INDEX) {
      this.#resizeIndex(this.#index.length / 2);
    }
    return true;
  }

  #takeSlot(): number {
    while (this.#lowestFree < this.#pages.length && this.#freeCount[this.#lowestFree] === 0) this.#lowestFree++;
    if (this.#lowestFree === this.#pages.length) this.#addPage();
    const page = this.#lowestFree;
    const slot = this.#freeSlot[page]! - 1;
    this.#freeSlot[page] = this.#pages[page]![(slot & PAGE_MASK) * FLOW_WORDS]!;
    this.#freeCount[page]!--;
    return slot;
  }

  #addPage(): void {
    const words = new Uint32Array(PAGE_ROWS * FLOW_WORDS);
    const first = this.#pages.length * PAGE_ROWS;
    for (let i = 0; i < PAGE_ROWS - 1; i++) words[i * FLOW_WORDS] = first + i + 2;
    this.#pages.push(words);
    this.#floats.push(new Float64Array(words.buffer));
    this.#freeSlot.push(first + 1);
    this.#freeCount.push(PAGE_ROWS);
  }

  #addToIndex(hash: number, slot: number): void {
    const index = this.#index;
    const mask = this.#mask;
    const home = hash & mask;
    let i = home;
    while (index[i] !== 0) i = (i + 1) & mask;
    index[i] = entryOf(hash, (i - home) & mask, slot);
  }

  #indexOf(slot: number): number {
    const index = this.#index;
    const mask = this.#mask;
    let i = this.#hashOf(slot) & mask;
    while ((index[i]! & SLOT_MASK) !== slot + 1) i = (i + 1) & mask;
    return i;
  }

  /** Closes the gap: every entry behind it that would be found no more moves into it. */
  #removeFromIndex(slot: number): void {
    const index = this.#index;
    const mask = this.#mask;
    let gap = this.#indexOf(slot);
    for (let i = (gap + 1) & mask; index[i] !== 0; i = (i + 1) & mask) {
      const entry = index[i]!;
      const steps = this.#stepsAt(i);
      const back = (i - gap) & mask;
      if (steps >= back) {
        index[gap] = entryOf(entry, steps - back, (entry & SLOT_MASK) - 1);
        gap = i;
      }
    }
    index[gap] = 0;
  }

  /** How far the entry at a place of the index stands from where its hash says. */
  #stepsAt(place: number): number {
    const entry = this.#index[place]!;
    const steps = (entry >>> SLOT_BITS) & STEPS_MASK;
    return steps < FAR ? steps : (place - this.#hashOf((entry & SLOT_MASK) - 1)) & this.#mask;
  }

  /** In the order of the slots: their keys are read anew, and lie so one after the other. */
  #resizeIndex(length: number): void {
    this.#index = new Uint32Array(length);
    this.#mask = length - 1;
    for (const [page, words] of this.#pages.entries()) {
      for (let i = 0; i < PAGE_ROWS; i++) {
        const at = i * FLOW_WORDS;
        if ((words[at + TABLE_ROW.marks]! & MARK.live) === 0) continue;
        this.#addToIndex(hashFlow(words, at, this.#seed), page * PAGE_ROWS + i);
      }
    }
  }

  #moveRow(from: number, to: number): void {
    const at = this.#indexOf(from);
    const source = this.page(from);
    const start = this.offset(from);
    this.page(to).set(source.subarray(start, start + FLOW_WORDS), this.offset(to));
    this.#index[at] = (this.#index[at]! & ~SLOT_MASK) | (to + 1);
  }

  #hashOf(slot: number): number {
    return hashFlow(this.#pages[slot >>> PAGE_BITS]!, (slot & PAGE_MASK) * FLOW_WORDS, this.#seed);
  }
}

/** `hash`: any number with the highest bits of the hash. */
function entryOf(hash: number, steps: number, slot: number): number {
  return (hash & (-1 << TAG_SHIFT)) | (Math.min(steps, FAR) << SLOT_BITS) | (slot + 1);
}
