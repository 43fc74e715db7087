/** A limit that holds in every stretch of time of the window's length, wherever it begins: a token bucket would let twice as many through after a pause. */

export class SlidingWindow {
  readonly #times: Float64Array;
  readonly #windowMs: number;
  #next = 0;

  /** At most `limit` in any `windowMs`. */
  constructor(limit: number, windowMs: number) {
    this.#times = new Float64Array(limit).fill(Number.NEGATIVE_INFINITY);
    this.#windowMs = windowMs;
  }

  /** How long to wait until `take` is allowed; 0: now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#times[this.#next]! + this.#windowMs - nowMs);
  }

  /** Notes one. */
  take(nowMs: number): void {
    this.#times[this.#next] = nowMs;
    this.#next = (this.#next + 1) % this.#times.length;
  }
}
