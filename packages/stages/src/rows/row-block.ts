/**
 * Rows in one flat block that grows as it fills. What was reserved and never touched costs address space, not memory. Freed rows are used
 * again. Subclasses know what lies in a row; nobody else reads `words` but to compare addresses where they lie.
 */
import { NO_ROW, type Row } from "./row.ts";
import { ROW_SHIFT, ROW_WORDS } from "./row-layout.ts";

/** What a row is: not in use, in use, or only waiting to be released. */
const STATE = { free: 0, active: 1, silent: 2 } as const;

const FIRST_ROWS = 1024;

/** How many times larger a full block becomes. What is not touched costs nothing, so the steps are large and little is copied. */
const GROWTH = 32;

/** The block. Row 0 is none. */
export class RowBlock {
  /** Every row's words. */
  words: Uint32Array = new Uint32Array(0);
  /** The same memory as doubles: half the word offset. */
  protected doubles: Float64Array = new Float64Array(0);
  /** Rows held now. */
  size = 0;
  /** One byte a row, so that a pass over all rows touches only those that it is about. */
  #states = new Uint8Array(0);
  /** Rows ever used, row 0 included. */
  #used = 1;
  /** The first free row; a free row's first word is the next one. */
  #free: Row = NO_ROW;
  readonly #expected: number;

  /** `expected`: how many rows there will hardly ever be more of. */
  constructor(expected: number) {
    this.#expected = expected + 1;
  }

  /** The first row in use that is not silent, or NO_ROW. */
  first(): Row {
    return this.after(NO_ROW);
  }

  /** The next one after `row`. */
  after(row: Row): Row {
    const states = this.#states;
    for (let at = (row >>> ROW_SHIFT) + 1; at < this.#used; at++) {
      if (states[at] === STATE.active) return (at << ROW_SHIFT) as Row;
    }
    return NO_ROW;
  }

  /** The next row after `row` that is in use, silent or not; begin with NO_ROW. */
  afterAny(row: Row): Row {
    const states = this.#states;
    for (let at = (row >>> ROW_SHIFT) + 1; at < this.#used; at++) {
      if (states[at] !== STATE.free) return (at << ROW_SHIFT) as Row;
    }
    return NO_ROW;
  }

  /** True for a row in use that is not silent. */
  isActive(row: Row): boolean {
    return this.#states[row >>> ROW_SHIFT] === STATE.active;
  }

  /** Leaves a row out of `first` and `after`: it only waits to be released. */
  silence(row: Row): void {
    this.#states[row >>> ROW_SHIFT] = STATE.silent;
  }

  /** A row for use, with what the last one left in it. */
  protected take(): Row {
    let row = this.#free;
    if (row !== NO_ROW) this.#free = this.words[row] as Row;
    else {
      if (this.#used >= this.#states.length) this.#grow();
      row = (this.#used++ << ROW_SHIFT) as Row;
    }
    this.#states[row >>> ROW_SHIFT] = STATE.active;
    this.size++;
    return row;
  }

  /** Gives a row back. */
  protected giveBack(row: Row): void {
    this.#states[row >>> ROW_SHIFT] = STATE.free;
    this.words[row] = this.#free;
    this.#free = row;
    this.size--;
  }

  #grow(): void {
    const rows = this.#states.length;
    const wanted = Math.max(FIRST_ROWS, rows * GROWTH);
    const larger = wanted > this.#expected && rows < this.#expected ? this.#expected : wanted;
    const { words } = this;
    const states = this.#states;
    this.words = new Uint32Array(larger * ROW_WORDS);
    this.doubles = new Float64Array(this.words.buffer);
    this.#states = new Uint8Array(larger);
    this.words.set(words);
    this.#states.set(states);
  }
}
