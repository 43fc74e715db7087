/** A cursor over the rows of a FlowBatch (flow-batch.ts of the model): the one place that reads them field by field. */
import {
  EXACT,
  EXACT_WORDS,
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowBatch,
  type FlowChange,
  kindFlags,
  MASTER,
  MASTER_WORDS,
} from "@conntrail/model";
import { originalHash } from "../rows/tuple-hash.ts";

/** Stands before the first row; `next` goes to it. */
export class BatchCursor {
  readonly words: Uint32Array;
  /** Where the current row begins. */
  offset: number = -FLOW_WORDS;
  readonly #doubles: Float64Array;
  readonly #changes: Uint8Array;
  readonly #end: number;
  /** By the serial of the flow that was announced; undefined when the batch has none. */
  readonly #masters: ReadonlyMap<number, Uint32Array> | undefined;
  readonly #exact: ReadonlyMap<number, Uint32Array> | undefined;

  constructor({ rows, changes, count, masters, exact }: FlowBatch) {
    this.words = rows;
    this.#doubles = new Float64Array(rows.buffer, rows.byteOffset, rows.length >>> 1);
    this.#changes = changes;
    this.#end = count * FLOW_WORDS;
    this.#masters = masters && bySerial(masters, MASTER.serial, MASTER_WORDS);
    this.#exact = exact && bySerial(exact, EXACT.serial, EXACT_WORDS);
  }

  /** Goes to the next row. False when there is none. */
  next(): boolean {
    this.offset += FLOW_WORDS;
    return this.offset < this.#end;
  }

  /** One of FLOW_CHANGE. */
  get change(): FlowChange {
    return this.#changes[this.offset / FLOW_WORDS] as FlowChange;
  }

  /** The hash of the original tuple. */
  get hash(): number {
    return originalHash(this.words, this.offset);
  }

  get netns(): number {
    return this.words[this.offset + FLOW.netns]!;
  }

  get count(): number {
    return this.words[this.offset + FLOW.count]!;
  }

  get firstSeenMs(): number {
    return this.#doubles[(this.offset + FLOW.firstSeenMs) >> 1]!;
  }

  /** Who announced the flow (master-record.ts of the model), where the batch says so. */
  get master(): Uint32Array | undefined {
    return this.#masters?.get(this.words[this.offset + FLOW.serial]!);
  }

  /** Its counters (exact-record.ts of the model), where they are beyond 2^53. */
  get exact(): Uint32Array | undefined {
    return this.#exact?.get(this.words[this.offset + FLOW.serial]!);
  }

  /** The row stands for many connections. */
  get isAggregated(): boolean {
    return this.#has(FLOW_FLAG.aggregated);
  }

  /** First seen in a dump. */
  get isFromDump(): boolean {
    return this.#has(FLOW_FLAG.fromDump);
  }

  /** Its first event was not seen: the ingest learnt of the flow in its middle. */
  get isLearntLate(): boolean {
    return this.#has(FLOW_FLAG.fromDump | FLOW_FLAG.beganUnseen);
  }

  /** The flow has ended. */
  get hasEnded(): boolean {
    return this.change !== FLOW_CHANGE.upsert || this.#has(FLOW_FLAG.closed);
  }

  /** Nobody saw how it ended. */
  get isEndUnseen(): boolean {
    return this.change === FLOW_CHANGE.swept || this.change === FLOW_CHANGE.released;
  }

  #has(flags: number): boolean {
    return (kindFlags(this.words[this.offset + FLOW.kind]!) & flags) !== 0;
  }
}

function bySerial(block: Uint32Array, serial: number, words: number): ReadonlyMap<number, Uint32Array> {
  const records = new Map<number, Uint32Array>();
  for (let at = 0; at + words <= block.length; at += words)
    records.set(block[at + serial]!, block.slice(at, at + words));
  return records;
}
