/**
 * Everything the tracker takes in, as it came, for whoever records it: messages, and between them the beginnings and ends of dumps, losses and
 * releases. Each kind stands for a call of FlowTracker; the same calls in the same order give the same flows. Chunks are transferred; when
 * their consumer falls behind, whole messages are left out and counted.
 */
import { align4 } from "@conntrail/netlink";

/** What a record of a chunk is: which call of FlowTracker it stands for. The word `detail` depends on it. */
export const RAW = {
  event: 0, // a datagram of a multicast group
  dumpBegin: 1, // the request of a dump; detail 1: flows it finds closed are told (`FlowTracker.beginDump`)
  dumpRows: 2, // a datagram of the dump, its end included
  dumpEnd: 3, // detail 1: it was interrupted, or failed
  overrun: 4, // events were lost before this; detail: how many, 0 = unknown
  release: 5, // the namespace is watched no longer
  emptied: 6, // the events that follow happened after the record's time (`FlowTracker.emptied`)
} as const;

/** A stretch of input. Whoever receives it owns its arrays. */
export interface RawChunk {
  readonly kind: "raw";
  readonly count: number;
  /** One of RAW, per record. */
  readonly what: Uint8Array;
  readonly netns: Uint32Array;
  readonly detail: Uint32Array;
  /** By the clock that never steps. */
  readonly timesMs: Float64Array;
  /** Where each record's bytes lie in `bytes`: multiples of 4. */
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly bytes: Uint8Array;
  /** Records left out from the start until this chunk, because the consumer was behind. */
  readonly dropped: number;
}

/** Sends a chunk on its way; what is in `transfer` is empty afterwards. */
export type EmitChunk = (chunk: RawChunk, transfer: ArrayBuffer[]) => void;

const CHUNK_BYTES = 256 * 1024;
const CHUNK_RECORDS = 2_048;

/** Chunks that may be under way at once. */
const CREDITS = 32;

/** Collects records and hands them to `emit` chunk by chunk. */
export class RawTap {
  readonly #emit: EmitChunk;
  #chunk = emptyChunk();
  #count = 0;
  #used = 0;
  #credits = CREDITS;
  #dropped = 0;

  constructor(emit: EmitChunk) {
    this.#emit = emit;
  }

  /** Adds a record; `length` bytes of `block` from `offset` are copied. */
  add(
    what: number,
    netns: number,
    timeMs: number,
    detail = 0,
    block: Uint8Array = NO_BYTES,
    offset = 0,
    length = 0,
  ): void {
    if (!this.#hasRoom(length) && this.#credits > 0) this.flush();
    if (!this.#hasRoom(length)) {
      this.#dropped++;
      return;
    }
    const i = this.#count++;
    const chunk = this.#chunk;
    chunk.what[i] = what;
    chunk.netns[i] = netns;
    chunk.detail[i] = detail;
    chunk.timesMs[i] = timeMs;
    chunk.offsets[i] = this.#used;
    chunk.lengths[i] = length;
    chunk.bytes.set(block.subarray(offset, offset + length), this.#used);
    this.#used += align4(length);
  }

  /** Hands out what there is, so that it comes ahead of a batch: those wait for the consumer themselves. */
  flush(): void {
    if (this.#count === 0) return;
    this.#credits--;
    const { what, netns, detail, timesMs, offsets, lengths, bytes } = this.#chunk;
    const chunk: RawChunk = { kind: "raw", ...this.#chunk, count: this.#count, dropped: this.#dropped };
    this.#emit(
      chunk,
      [what, netns, detail, timesMs, offsets, lengths, bytes].map(({ buffer }) => buffer),
    );
    this.#chunk = emptyChunk();
    this.#count = 0;
    this.#used = 0;
  }

  #hasRoom(length: number): boolean {
    return this.#count < CHUNK_RECORDS && this.#used + length <= CHUNK_BYTES;
  }

  /** The consumer is done with a chunk. */
  acknowledge(): void {
    this.#credits = Math.min(CREDITS, this.#credits + 1);
  }
}

const NO_BYTES = new Uint8Array(0);

function emptyChunk() {
  return {
    what: new Uint8Array(CHUNK_RECORDS),
    netns: new Uint32Array(CHUNK_RECORDS),
    detail: new Uint32Array(CHUNK_RECORDS),
    timesMs: new Float64Array(CHUNK_RECORDS),
    offsets: new Uint32Array(CHUNK_RECORDS),
    lengths: new Uint32Array(CHUNK_RECORDS),
    bytes: new Uint8Array(CHUNK_BYTES),
  };
}
