/**
 * Rows in one flat block that grows as it fills. What was reserved and never touched costs address space, not memory. Freed rows are used
 * again. Subclasses know what lies in a row; nobody else reads `words` but to compare addresses where they lie.
 */
import { NO_ROW, type Row } from "./row.ts";
import { ROW_SHIFT, ROW_WORDS } from "./row-layout.ts";
import { RowNews } from "./row-news.ts";

/** What a row is: not in use, in use, or only waiting to be released. */
const STATE = { free: 0, active: 1, silent: 2 } as const;

/** What is noted of a row for those who listen to changes. `touched`: it is in the list of such rows. */
const NOTE = { touched: 1, overTold: 2 } as const;

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
  /** One number a row: which connection it is. */
  #identities = new Float64Array(0);
  /** One byte a row: bits of NOTE. */
  #notes = new Uint8Array(0);
  /** Rows about which something may be new since the last `takeTouched`; some may be free again, or another's. */
  #touched: Row[] = [];
  readonly #news: RowNews;
  /** Rows ever used, row 0 included. */
  #used = 1;
  /** The first free row; a free row's first word is the next one. */
  #free: Row = NO_ROW;
  readonly #expected: number;

  /** `expected`: how many rows there will hardly ever be more of. `news`: shared by stores whose connections are told together. */
  constructor(expected: number, news: RowNews = new RowNews()) {
    this.#expected = expected + 1;
    this.#news = news;
  }

  /** Which connection a row is: a number that no other row ever had. */
  identity(row: Row): number {
    return this.#identities[row >>> ROW_SHIFT]!;
  }

  /** The row is a connection that was known before, under a lower number. */
  identify(row: Row, identity: number): void {
    const at = row >>> ROW_SHIFT;
    if (identity >= this.#identities[at]!) return;
    this.#news.leave(this.#identities[at]!);
    this.#identities[at] = identity;
    this.touch(row);
  }

  /** The row is another connection from now on. */
  renew(row: Row): void {
    this.#news.leave(this.identity(row));
    this.#identities[row >>> ROW_SHIFT] = ++this.#news.last;
    this.touch(row);
  }

  /** Notes that something may be new about a row, while somebody wants to know. */
  touch(row: Row): void {
    const at = row >>> ROW_SHIFT;
    if (!this.#news.on || (this.#notes[at]! & NOTE.touched) !== 0) return;
    this.#notes[at]! |= NOTE.touched;
    this.#touched.push(row);
  }

  /** The rows that were touched, each once. `visit` may touch further ones: they are visited as well. Afterwards none is. */
  takeTouched(visit: (row: Row) => void): void {
    const touched = this.#touched;
    for (let i = 0; i < touched.length; i++) visit(touched[i]!);
    for (const row of touched) this.#notes[row >>> ROW_SHIFT]! &= ~NOTE.touched;
    this.#touched = [];
  }

  /** Those who listen to changes know that it is over: it is not to wait for others to speak, and nothing else goes by its number. */
  isOverTold(row: Row): boolean {
    return (this.#notes[row >>> ROW_SHIFT]! & NOTE.overTold) !== 0;
  }

  setOverTold(row: Row): void {
    this.#notes[row >>> ROW_SHIFT]! |= NOTE.overTold;
  }

  /** Something was touched. */
  get isTouched(): boolean {
    return this.#touched.length > 0;
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
    this.#identities[row >>> ROW_SHIFT] = ++this.#news.last;
    this.#notes[row >>> ROW_SHIFT]! &= ~NOTE.overTold;
    this.size++;
    this.touch(row);
    return row;
  }

  /** Gives a row back. */
  protected giveBack(row: Row): void {
    this.#news.leave(this.identity(row));
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
    const identities = this.#identities;
    const notes = this.#notes;
    this.words = new Uint32Array(larger * ROW_WORDS);
    this.doubles = new Float64Array(this.words.buffer);
    this.#states = new Uint8Array(larger);
    this.#identities = new Float64Array(larger);
    this.#notes = new Uint8Array(larger);
    this.words.set(words);
    this.#states.set(states);
    this.#identities.set(identities);
    this.#notes.set(notes);
  }
}
