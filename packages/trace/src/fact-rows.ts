/** The rows of the next batch. */
import { ADDRESS_WORDS, type Owner, packKind, TRACE, TRACE_WORDS, type TraceRole } from "@conntrail/model";
import type { ProcessEntry } from "./processes/process-entry.ts";

/** Where an end's addresses and ports are to be copied from. */
export interface Ends {
  readonly words: Uint32Array;
  readonly localAt: number;
  readonly remoteAt: number;
  readonly ports: number;
  readonly family: number;
  readonly protocol: number;
}

/** A batch's rows and the processes that they name. */
export interface TakenFacts {
  readonly rows: Uint32Array;
  readonly count: number;
  readonly owners: readonly Owner[];
}

const FIRST_ROWS = 64;

/** Collects rows. */
export class FactRows {
  count = 0;
  #rows = new Uint32Array(FIRST_ROWS * TRACE_WORDS);
  #doubles = new Float64Array(this.#rows.buffer);
  #owners: Owner[] = [];
  #batch = 1;
  readonly #describe: (entry: ProcessEntry) => Owner;

  readonly #toUnixMs: (monotonicNs: number) => number;

  /** `toUnixMs` makes Unix milliseconds of the rings' clock. */
  constructor(describe: (entry: ProcessEntry) => Owner, toUnixMs: (monotonicNs: number) => number) {
    this.#describe = describe;
    this.#toUnixMs = toUnixMs;
  }

  /** Adds what a process did with an end of a connection; `undefined` when it is not known which. */
  add(
    role: TraceRole,
    entry: ProcessEntry | undefined,
    netns: number,
    ends: Ends,
    sinceNs: number,
    untilNs: number,
  ): void {
    const offset = this.count * TRACE_WORDS;
    if (offset === this.#rows.length) this.#grow();
    const rows = this.#rows;
    const { words, localAt, remoteAt } = ends;
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      rows[offset + TRACE.local + i] = words[localAt + i]!;
      rows[offset + TRACE.remote + i] = words[remoteAt + i]!;
    }
    rows[offset + TRACE.ports] = ends.ports;
    rows[offset + TRACE.kind] = packKind(ends.protocol, ends.family, role, 0);
    rows[offset + TRACE.netns] = netns;
    rows[offset + TRACE.owner] = entry === undefined ? 0 : this.#place(entry);
    this.#doubles[(offset + TRACE.sinceMs) >> 1] = this.#toUnixMs(sinceNs);
    this.#doubles[(offset + TRACE.untilMs) >> 1] = this.#toUnixMs(untilNs);
    this.count++;
  }

  /** Gives the rows away. */
  take(): TakenFacts {
    const taken = { rows: this.#rows, count: this.count, owners: this.#owners };
    this.#rows = new Uint32Array(Math.max(FIRST_ROWS, Math.min(this.count, 8192)) * TRACE_WORDS);
    this.#doubles = new Float64Array(this.#rows.buffer);
    this.#owners = [];
    this.count = 0;
    this.#batch++;
    return taken;
  }

  /** A process that changed within a batch has two places: what was said of it holds for what it did then. */
  #place(entry: ProcessEntry): number {
    if (entry.batch !== this.#batch || entry.owner === undefined) {
      entry.batch = this.#batch;
      entry.place = this.#owners.push(this.#describe(entry));
    }
    return entry.place;
  }

  #grow(): void {
    const grown = new Uint32Array(this.#rows.length * 2);
    grown.set(this.#rows);
    this.#rows = grown;
    this.#doubles = new Float64Array(grown.buffer);
  }
}
