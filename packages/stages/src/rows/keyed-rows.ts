/**
 * Rows that are found by key through a hash index, in the layout of a flow (flow-row.ts of the model) with words of the merge's own behind it.
 * Which words make the key is said by who makes the store.
 */
import { FLOW, FLOW_WORDS, OWNER_REASON } from "@conntrail/model";
import {
  addEntry,
  createHashIndex,
  entryValue,
  firstEntry,
  type HashIndex,
  nextEntry,
  removeEntry,
} from "./hash-index.ts";
import { NO_ROW, type Row } from "./row.ts";
import { RowBlock } from "./row-block.ts";
import { REPLY_END, SOURCE_END } from "./row-end.ts";
import { COMMON, ROW_WORDS } from "./row-layout.ts";
import type { RowNews } from "./row-news.ts";

const FINDABLE = 2;

/** Another row has its key: only its tuple still leads to it. */
const KEYLESS = 1;

const NO_SOCKET = OWNER_REASON.indexOf("no-socket");

/** The decision about a row that nobody has looked at: no owners, no direction. */
const UNDECIDED = (NO_SOCKET << SOURCE_END.reasonShift) | (NO_SOCKET << REPLY_END.reasonShift);

/** The store. */
export class KeyedRows extends RowBlock {
  readonly #index: HashIndex = createHashIndex(1024);
  readonly #key: Uint8Array;

  /** `key`: offsets of the words that tell rows apart, beside the protocol. The rest is as for RowBlock. */
  constructor(key: readonly number[], expected: number, news?: RowNews) {
    super(expected, news);
    this.#key = Uint8Array.from(key);
  }

  /** The place in the index of the first row with a hash, or -1; the row itself is `rowAt` it. */
  firstAt(hash: number): number {
    return firstEntry(this.#index, hash);
  }

  /** The place of the next one after `at`. When a row was freed meanwhile, begin again. */
  nextAt(hash: number, at: number): number {
    return nextEntry(this.#index, hash, at);
  }

  /** The row at a place in the index. */
  rowAt(at: number): Row {
    return entryValue(this.#index, at) as Row;
  }

  /** The row whose key equals that of the flow row at `offset`, or NO_ROW. */
  find(hash: number, words: Uint32Array, offset: number): Row {
    for (let at = this.firstAt(hash); at >= 0; at = this.nextAt(hash, at)) {
      const row = this.rowAt(at);
      if ((this.words[row + COMMON.marks]! & KEYLESS) === 0 && this.#hasKey(row, words, offset)) return row;
    }
    return NO_ROW;
  }

  /** Copies the flow row at `offset` into a new row that can be found by `hash`. */
  insert(hash: number, words: Uint32Array, offset: number): Row {
    const row = this.take();
    const mine = this.words;
    for (let i = 0; i < FLOW_WORDS; i++) mine[row + i] = words[offset + i]!;
    // Faster than fill() for so few.
    for (let i = FLOW_WORDS; i < ROW_WORDS; i++) mine[row + i] = 0;
    mine[row + COMMON.hash] = hash;
    mine[row + COMMON.marks] = FINDABLE;
    mine[row + COMMON.decision] = UNDECIDED;
    addEntry(this.#index, hash, row);
    return row;
  }

  /** True when a row has this hash: one with the same tuple, whatever its direction and namespace, or hardly ever another. */
  hasHash(hash: number): boolean {
    return firstEntry(this.#index, hash) >= 0;
  }

  /** Copies the flow row at `offset`; what the merge found out stays. */
  copy(row: Row, words: Uint32Array, offset: number): void {
    this.touch(row);
    for (let i = 0; i < FLOW_WORDS; i++) this.words[row + i] = words[offset + i]!;
  }

  /** Gives a row's key to another: it is found by its tuple alone from now on. */
  loseKey(row: Row): void {
    this.setMarks(row, KEYLESS);
  }

  /** Takes a row out of the index: it stays, but another may have its key. */
  unhook(row: Row): void {
    if (!this.isFindable(row)) return;
    removeEntry(this.#index, this.hash(row), row);
    this.unmark(row, FINDABLE);
  }

  /** Frees a row. */
  release(row: Row): void {
    this.unhook(row);
    this.words[row + COMMON.marks] = 0;
    this.giveBack(row);
  }

  /** It can be found by its key. */
  isFindable(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & FINDABLE) !== 0;
  }

  /** The hash of its original tuple. */
  hash(row: Row): number {
    return this.words[row + COMMON.hash]!;
  }

  /** Sets bits of the marks. */
  protected setMarks(row: Row, bits: number): void {
    const marks = this.words[row + COMMON.marks]!;
    if ((marks & bits) === bits) return;
    this.words[row + COMMON.marks] = marks | bits;
    this.touch(row);
  }

  /** Clears them. Nobody tells a connection by a bit that is not set again: that is not news. */
  protected unmark(row: Row, bits: number): void {
    this.words[row + COMMON.marks]! &= ~bits;
  }

  #hasKey(row: Row, words: Uint32Array, offset: number): boolean {
    const key = this.#key;
    for (let i = 0; i < key.length; i++) {
      const word = key[i]!;
      if (this.words[row + word] !== words[offset + word]) return false;
    }
    return ((this.words[row + FLOW.kind]! ^ words[offset + FLOW.kind]!) & 0xff) === 0;
  }
}
