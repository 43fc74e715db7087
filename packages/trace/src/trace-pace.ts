/**
 * How long to wait before the rings are read again: soon while they fill, seldom while nothing happens, and never so long that a ring could
 * fill at full speed. No clock: times are arguments.
 */

/** What one processor writes in a millisecond at the worst that was seen: 60 records of 112 bytes. */
const BURST_BYTES_PER_MS = 60 * 112;

/** Milliseconds. A closing waits for a batch of flows anyhow, and the rings are read before each. */
const SHORTEST = 2;
const LONGEST = 250;

/** Records that a reading should find under load. */
const GOAL = 2_048;

/** The pace of all rings together. */
export class TracePace {
  delayMs: number = SHORTEST;
  readonly #longestMs: number;
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(ringBytes: number) {
    this.#longestMs = Math.max(SHORTEST, Math.min(LONGEST, ringBytes / BURST_BYTES_PER_MS));
  }

  /** Few records come: whoever can wait for the ring to fill need not read it by the clock. */
  get isRestful(): boolean {
    return this.delayMs === this.#longestMs;
  }

  /** A reading at `nowMs` found so many records. */
  next(records: number, nowMs: number): void {
    const elapsedMs = Math.min(LONGEST, Math.max(1, nowMs - this.#readMs));
    this.#readMs = nowMs;
    const wanted = records === 0 ? this.delayMs * 1.5 : (GOAL * elapsedMs) / records;
    this.delayMs = Math.min(this.#longestMs, Math.max(SHORTEST, Math.min(wanted, this.delayMs * 2)));
  }
}
