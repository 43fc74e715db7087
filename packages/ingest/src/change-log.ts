/**
 * What the consumer is still to be told, between two batches. Flows in the table that changed are a list of slots, so that many changes of
 * one flow are one row of the next batch in its latest state; flows that ended are copied at once, because their slot
 * goes. Everything is bounded: the list by the table, the copies of flows the consumer knows by what it was told before, all other
 * copies by `pendingRows`; beyond that they are counted in aggregated rows.
 */
import { CT_STATUS, FLOW, FLOW_CHANGE, FLOW_FLAG, FLOW_WORDS, type FlowChange } from "@conntrail/model";
import { AggregateRows } from "./aggregate-rows.ts";
import { ExactCounters } from "./exact-counters.ts";
import type { FlowTable } from "./flow-table.ts";
import { TABLE_ROW } from "./flow-table-row.ts";
import { Masters } from "./masters.ts";
import { MARK } from "./row-marks.ts";

/** Rows of a batch, aggregated rows aside: 5.8 MB. What is more waits for the next. */
const BATCH_ROWS = 32_768;

const SMALLEST_ROWS = 256;
/** The next batch has room for this many times the rows of the last: a chunk that must grow is copied. */
const ROOM = 1.25;

/** The rows of a batch. Whoever takes them owns them. */
export interface TakenRows {
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly changes: Uint8Array<ArrayBuffer>;
  readonly count: number;
  /** Records of those that another connection had announced. */
  readonly masters?: readonly Uint32Array[];
  /** Records of those whose counters are beyond 2^53. */
  readonly exact?: readonly Uint32Array[];
}

/** Copies of ended flows, with room for more behind them. */
interface Chunk {
  rows: Uint32Array<ArrayBuffer>;
  changes: Uint8Array<ArrayBuffer>;
  count: number;
  masters?: Uint32Array[];
  exact?: Uint32Array[];
}

/** Collects changes; `take` gives them out in the order in which they must be applied. */
export class ChangeLog {
  /** Who announced the flows of the table. */
  readonly masters: Masters = new Masters();
  /** Their counters beyond 2^53. */
  readonly exact: ExactCounters = new ExactCounters();
  readonly #table: FlowTable;
  readonly #pendingRows: number;
  readonly #overflow: AggregateRows;
  readonly #services: AggregateRows;
  #slots = new Uint32Array(0);
  #listed = 0;
  readonly #full: Chunk[] = [];
  #chunk = chunkOf(SMALLEST_ROWS);
  #pending = 0;
  #aggregated = 0;

  constructor(table: FlowTable, pendingRows: number, aggregateRows: number) {
    this.#table = table;
    this.#pendingRows = pendingRows;
    this.#overflow = new AggregateRows(aggregateRows);
    this.#services = new AggregateRows(aggregateRows);
  }

  /** Connections counted in aggregated rows because the pending rows were full, from the start. */
  get aggregated(): number {
    return this.#aggregated;
  }

  /** Bytes that the list of slots holds. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** True when the next `take` gives rows. */
  get hasChanges(): boolean {
    return this.#listed > 0 || this.#pending > 0 || this.#overflow.count > 0 || this.#services.count > 0;
  }

  /** Slots and copies waiting: more than BATCH_ROWS do not fit into one batch. */
  get waiting(): number {
    return this.#listed + this.#pending;
  }

  /** The live row in `slot` has changed. */
  mark(slot: number): void {
    const page = this.#table.page(slot);
    const at = this.#table.offset(slot) + TABLE_ROW.marks;
    const marks = page[at]!;
    page[at] = marks | MARK.dirty | MARK.listed;
    if ((marks & MARK.listed) !== 0) return;
    if (this.#listed === this.#slots.length) this.#growList();
    this.#slots[this.#listed++] = slot;
  }

  /**
   * The row at word `at` of `page` ends by `change`, or is told for the last time. `known`: the consumer has it, so that its end cannot
   * be counted away. Flows that were only evicted are no connections that ended: without room they are passed over.
   */
  end(page: Uint32Array, at: number, change: FlowChange, known: boolean): void {
    if (!known && this.#pending >= this.#pendingRows) {
      if (change === FLOW_CHANGE.evicted) return;
      this.#overflow.add(page, at);
      this.#aggregated++;
      return;
    }
    this.#append(page, at, change);
  }

  /** Counts a connection of the service that the row names. */
  countService(page: Uint32Array, at: number): void {
    this.#services.add(page, at);
  }

  /**
   * Up to BATCH_ROWS changes, the oldest first, and all aggregated rows when nothing older is left. Slots that are
   * given out become `known`, and `told` when that tells their closing.
   */
  take(): TakenRows {
    const full = this.#full.shift();
    if (full !== undefined) {
      this.#pending -= full.count;
      return full;
    }
    const chunk = this.#chunk;
    this.#pending -= chunk.count;
    const upserts = Math.min(this.#listed, BATCH_ROWS - chunk.count);
    this.#reserve(chunk.count + upserts + this.#overflow.count + this.#services.count);
    this.#takeSlots(upserts);
    for (const aggregates of [this.#overflow, this.#services]) {
      const { count } = aggregates;
      aggregates.drainInto(chunk.rows, chunk.count * FLOW_WORDS);
      chunk.changes.fill(FLOW_CHANGE.destroyed, chunk.count, chunk.count + count);
      chunk.count += count;
    }
    this.#chunk = chunkOf(Math.min(BATCH_ROWS, Math.max(SMALLEST_ROWS, Math.ceil(ROOM * chunk.count))));
    return chunk;
  }

  #takeSlots(limit: number): void {
    let read = 0;
    for (; read < limit; read++) {
      const slot = this.#slots[read]!;
      const page = this.#table.page(slot);
      const at = this.#table.offset(slot);
      const marks = page[at + TABLE_ROW.marks]! & ~MARK.listed;
      page[at + TABLE_ROW.marks] = marks;
      if ((marks & MARK.dirty) === 0) continue;
      const closed = (page[at + FLOW.kind]! & (FLOW_FLAG.closed << 24)) !== 0;
      page[at + TABLE_ROW.marks] = (marks & ~MARK.dirty) | MARK.known | (closed ? MARK.told : 0);
      this.#write(page, at, FLOW_CHANGE.upsert);
    }
    this.#slots.copyWithin(0, read, this.#listed);
    this.#listed -= read;
  }

  #append(page: Uint32Array, at: number, change: FlowChange): void {
    if (this.#chunk.count === BATCH_ROWS) {
      this.#full.push(this.#chunk);
      this.#chunk = chunkOf(BATCH_ROWS);
    }
    this.#reserve(this.#chunk.count + 1);
    this.#write(page, at, change);
    this.#pending++;
  }

  #write(page: Uint32Array, at: number, change: FlowChange): void {
    const { rows, changes, count } = this.#chunk;
    const to = count * FLOW_WORDS;
    for (let i = 0; i < FLOW_WORDS; i++) rows[to + i] = page[at + i]!;
    rows[to + FLOW.count] = 1;
    changes[count] = change;
    this.#chunk.count = count + 1;
    if ((page[at + FLOW.status]! & CT_STATUS.expected) !== 0) this.#writeMaster(page, at, change);
    if (this.exact.size > 0) this.#writeExact(page[at + FLOW.serial]!, change);
  }

  #writeMaster(page: Uint32Array, at: number, change: FlowChange): void {
    const serial = page[at + FLOW.serial]!;
    const record = this.masters.of(serial);
    if (record === undefined) return;
    this.#chunk.masters ??= [];
    this.#chunk.masters.push(record);
    const over = change !== FLOW_CHANGE.upsert || (page[at + FLOW.kind]! & (FLOW_FLAG.closed << 24)) !== 0;
    if (over) this.masters.forget(serial);
  }

  #writeExact(serial: number, change: FlowChange): void {
    const record = this.exact.of(serial);
    if (record === undefined) return;
    this.#chunk.exact ??= [];
    this.#chunk.exact.push(record);
    if (change !== FLOW_CHANGE.upsert) this.exact.forget(serial);
  }

  #reserve(count: number): void {
    const chunk = this.#chunk;
    if (count <= chunk.changes.length) return;
    const grown = chunkOf(Math.max(count, Math.min(BATCH_ROWS, chunk.changes.length * 2)));
    grown.rows.set(chunk.rows.subarray(0, chunk.count * FLOW_WORDS));
    grown.changes.set(chunk.changes.subarray(0, chunk.count));
    chunk.rows = grown.rows;
    chunk.changes = grown.changes;
  }

  /** In step with the table, so that the list never costs more than four bytes per slot. */
  #growList(): void {
    const grown = new Uint32Array(this.#table.slots);
    grown.set(this.#slots);
    this.#slots = grown;
  }
}

function chunkOf(rows: number): Chunk {
  return { rows: new Uint32Array(rows * FLOW_WORDS), changes: new Uint8Array(rows), count: 0 };
}
