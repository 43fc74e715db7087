/**
 * Connections too many to have a row each, counted by client, server and service (F8; UDP's name lookups). The number of rows is bounded and the sum
 * of their counts is exact: when there are too many clients they are counted without the client, then without the
 * server, then all together.
 */
import { addCounter, FLOW, FLOW_FLAG, FLOW_WORDS, forgetClientPort } from "@conntrail/model";
import { hashFlow } from "./flow-key.ts";

/** Words in which two rows of the same aggregate agree, besides `FLOW.kind`. Client ports are zero. */
const LAST_KEY_WORD = FLOW.replyPorts;

/** The flags that tell aggregates apart: whether an attempt succeeded must not get lost in a sum. */
const KEY_FLAGS = FLOW_FLAG.replied | FLOW_FLAG.established;

/** How much is forgotten of a row, step by step, when there are too many. */
const COARSENESS = { client: 0, service: 1, protocol: 2, all: 3 } as const;

/** Rows for services and for protocols beside the `capacity` for clients. */
const PROTOCOL_ROWS = 64;

/** Counts connections into at most 2 × `capacity` + 65 rows. */
export class AggregateRows {
  readonly #capacity: number;
  #rows = new Uint32Array(16 * FLOW_WORDS);
  #floats = new Float64Array(this.#rows.buffer);
  #count = 0;
  /** Key hash to row number; a hash that is taken by another key moves on by one. */
  readonly #index = new Map<number, number>();
  readonly #key = new Uint32Array(FLOW_WORDS);
  readonly #keyFloats = new Float64Array(this.#key.buffer);

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Rows in use. */
  get count(): number {
    return this.#count;
  }

  /** Counts one connection: the flow at word `at` of `page`, whose flags become those of its aggregate. */
  add(page: Uint32Array, at: number): void {
    const key = this.#key;
    key.set(page.subarray(at, at + FLOW_WORDS));
    forgetClientPort(key, 0);
    for (let coarseness = 0; ; coarseness++) {
      coarsen(key, coarseness);
      const row = this.#find(coarseness);
      if (row >= 0) {
        this.#merge(row);
        return;
      }
    }
  }

  /** Copies all rows to word `at` of `to` and forgets them. */
  drainInto(to: Uint32Array, at: number): void {
    to.set(this.#rows.subarray(0, this.#count * FLOW_WORDS), at);
    this.#count = 0;
    this.#index.clear();
  }

  /** The row of the key, made when there is room for one of its coarseness; else -1. */
  #find(coarseness: number): number {
    const key = this.#key;
    const flags = (key[FLOW.kind]! >>> 24) & KEY_FLAGS;
    let hash = hashFlow(key, 0, key[FLOW.replySource + 3]! ^ key[FLOW.replyPorts]! ^ flags);
    for (; ; hash = (hash + 1) | 0) {
      const row = this.#index.get(hash);
      if (row === undefined) break;
      if (this.#sameAggregate(row * FLOW_WORDS)) return row;
    }
    if (this.#count >= this.#limit(coarseness)) return -1;
    this.#index.set(hash, this.#count);
    return this.#append();
  }

  #limit(coarseness: number): number {
    switch (coarseness) {
      case COARSENESS.client:
        return this.#capacity;
      case COARSENESS.service:
        return 2 * this.#capacity;
      case COARSENESS.protocol:
        return 2 * this.#capacity + PROTOCOL_ROWS;
      default:
        return Number.POSITIVE_INFINITY; // one key only
    }
  }

  #sameAggregate(at: number): boolean {
    const mask = (KEY_FLAGS << 24) | 0xffff;
    if (((this.#rows[at + FLOW.kind]! ^ this.#key[FLOW.kind]!) & mask) !== 0) return false;
    if (this.#rows[at + FLOW.zone] !== this.#key[FLOW.zone]) return false;
    if (this.#rows[at + FLOW.netns] !== this.#key[FLOW.netns]) return false;
    for (let i = 0; i <= LAST_KEY_WORD; i++) if (this.#rows[at + i] !== this.#key[i]) return false;
    return true;
  }

  #append(): number {
    if ((this.#count + 1) * FLOW_WORDS > this.#rows.length) {
      const grown = new Uint32Array(this.#rows.length * 2);
      grown.set(this.#rows);
      this.#rows = grown;
      this.#floats = new Float64Array(grown.buffer);
    }
    const row = this.#count++;
    const at = row * FLOW_WORDS;
    this.#rows.set(this.#key, at);
    this.#rows[at + FLOW.kind] = (this.#key[FLOW.kind]! | (FLOW_FLAG.aggregated << 24)) >>> 0;
    this.#rows[at + FLOW.id] = 0;
    this.#rows[at + FLOW.serial] = 0;
    this.#rows[at + FLOW.count] = 0;
    for (const field of COUNTERS) this.#floats[(at + field) >> 1] = -1;
    return row;
  }

  /** The row's time becomes the earlier or the later one of it and the key's. */
  #extend(at: number, field: number, choose: (a: number, b: number) => number): void {
    const place = (at + field) >> 1;
    this.#floats[place] = choose(this.#floats[place]!, this.#keyFloats[field >> 1]!);
  }

  #merge(row: number): void {
    const at = row * FLOW_WORDS;
    this.#rows[at + FLOW.count]!++;
    for (const field of BEGINNING) this.#extend(at, field, Math.min);
    for (const field of END) this.#extend(at, field, Math.max);
    for (const field of COUNTERS) {
      const sum = (at + field) >> 1;
      this.#floats[sum] = addCounter(this.#floats[sum]!, this.#keyFloats[field >> 1]!);
    }
  }
}

const BEGINNING = [FLOW.beganAfterMs, FLOW.firstSeenMs] as const;
const END = [FLOW.lastAfterMs, FLOW.lastSeenMs] as const;
const COUNTERS = [FLOW.originalPackets, FLOW.originalBytes, FLOW.replyPackets, FLOW.replyBytes] as const;

function coarsen(key: Uint32Array, coarseness: number): void {
  switch (coarseness) {
    case COARSENESS.client:
      return;
    case COARSENESS.service:
      key.fill(0, FLOW.originalSource, FLOW.originalSource + 4);
      key.fill(0, FLOW.replyDestination, FLOW.replyDestination + 4);
      return;
    case COARSENESS.protocol:
      key.fill(0, FLOW.originalSource, FLOW.kind);
      key[FLOW.zone] = 0;
      return;
    default:
      key[FLOW.kind] = 0;
      key[FLOW.netns] = 0;
  }
}
