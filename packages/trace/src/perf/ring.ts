/**
 * The ring of perf_event_open(2), read in place: the kernel writes records and moves the head, we read them and move the tail. A
 * record's size is a multiple of eight and so is the ring's, so no word is ever split; a record that runs over the ring's end is copied
 * to a block where it is whole, and decoders see nothing of it.
 */
import { HEADER_BYTES, MMAP_PAGE, PERF_RECORD } from "./perf-enum.ts";

/** The largest record: its size has 16 bits. */
const RECORD_BYTES = 65_536;

/** A ring with less room than this may have turned a record away: those that name processes are shorter. */
const SPARE_BYTES = 1_024;

/** Where a wrapped record is made whole; of one thread, valid until the next record. */
const whole = new Uint32Array(RECORD_BYTES / 4);

/** A ring over the memory that an event was mapped to: one page of control and a power of two of data. */
export class Ring {
  /** Type, size in bytes and place (a word index into `words`) of the record that `next()` found. */
  type = 0;
  sizeBytes = 0;
  at = 0;
  words: Uint32Array;
  /** The time of that record, nanoseconds of CLOCK_MONOTONIC. */
  timeNs = 0;
  /** Set when the ring held something that is no record; for whoever counts to set back. */
  broken = false;
  readonly #control: BigInt64Array;
  readonly #data: Uint32Array;
  readonly #mask: number;
  #head = 0n;
  #tail: bigint;
  /** Bytes between tail and head that were not looked at, and the word at which they begin. */
  #left = 0;
  #place = 0;

  /** `controlBytes` is the size of the first page. */
  constructor(buffer: ArrayBuffer, controlBytes: number) {
    this.#control = new BigInt64Array(buffer, 0, controlBytes / 8);
    this.#data = new Uint32Array(buffer, controlBytes);
    this.words = this.#data;
    this.#mask = this.#data.length - 1;
    this.#tail = Atomics.load(this.#control, MMAP_PAGE.dataTail / 8);
  }

  /** Takes note of what the kernel has written so far. Returns how many bytes there are. */
  look(): number {
    this.#head = Atomics.load(this.#control, MMAP_PAGE.dataHead / 8);
    this.#left = Number(this.#head - this.#tail);
    this.#place = Number(this.#tail & BigInt(this.#data.length * 4 - 1)) >>> 2;
    // More than fits was never there: the control page is not what it should be.
    if (this.#left < 0 || this.#left > this.#data.length * 4) {
      this.broken = true;
      this.#left = 0;
    }
    return this.#left;
  }

  /**
   * Shows the oldest record that was not taken, without taking it. False when there is none, or when the rest cannot be split into
   * records: then it is given up, and `broken` is true.
   */
  next(): boolean {
    if (this.#left < HEADER_BYTES) return false;
    const data = this.#data;
    const mask = this.#mask;
    const place = this.#place;
    const size = data[(place + 1) & mask]! >>> 16;
    if (size < HEADER_BYTES || (size & 7) !== 0 || size > this.#left) {
      this.broken = true;
      this.#left = 0;
      return false;
    }
    this.type = data[place]!;
    this.sizeBytes = size;
    const count = size >>> 2;
    if (place + count <= data.length) {
      this.words = data;
      this.at = place;
    } else {
      for (let i = 0; i < count; i++) whole[i] = data[(place + i) & mask]!;
      this.words = whole;
      this.at = 0;
    }
    this.timeNs = this.#time(size);
    return true;
  }

  /** Done with the record that `next()` showed. */
  take(): void {
    this.#left -= this.sizeBytes;
    this.#place = (this.#place + (this.sizeBytes >>> 2)) & this.#mask;
  }

  /** Gives the room of what was taken back to the kernel. Record contents are invalid from now on. */
  release(): void {
    this.#tail = this.#head - BigInt(this.#left);
    Atomics.store(this.#control, MMAP_PAGE.dataTail / 8, this.#tail);
  }

  /**
   * The time of the newest record when the ring had no room for another one, else infinity: what this processor did after it may be
   * missing. Begins anew: what was shown is shown again.
   */
  fullSinceNs(): number {
    const capacity = this.#data.length * 4;
    if (this.#left < capacity - Math.min(SPARE_BYTES, capacity / 4)) return Number.POSITIVE_INFINITY;
    const left = this.#left;
    const place = this.#place;
    while (this.next()) this.take();
    this.#left = left;
    this.#place = place;
    return this.timeNs;
  }

  /** A sample has its time behind pid and tid; every other record ends in `struct sample_id`: pid, tid, time (`sample_id_all`). */
  #time(size: number): number {
    const { words, at } = this;
    if (this.type === PERF_RECORD.sample && size < 24) return 0;
    const offset = this.type === PERF_RECORD.sample ? 4 : (size >>> 2) - 2;
    return words[at + offset]! + words[at + offset + 1]! * 0x1_0000_0000;
  }
}
