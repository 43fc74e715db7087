/** What must be added to the rings' clock to get another one, when the two cannot be read at the same instant: a thread may be set aside between two reads. */

/** Reads that lie further apart say too little. */
const CLOSE_MS = 0.1;

/** Attempts at the first reading; later ones take one each and keep what was known when it is no good. */
const ATTEMPTS = 20;

/** The offset, kept up to date. */
export class ClockOffset {
  readonly #nowNs: () => number;
  readonly #otherMs: () => number;
  #offsetMs = 0;

  constructor(nowNs: () => number, otherMs: () => number) {
    this.#nowNs = nowNs;
    this.#otherMs = otherMs;
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < ATTEMPTS && best > CLOSE_MS; i++) best = Math.min(best, this.#read(best));
  }

  /** Milliseconds: looks again. */
  read(): number {
    this.#read(CLOSE_MS);
    return this.#offsetMs;
  }

  /** Takes a reading whose two sides are closer together than `boundMs`, and tells how close they were. */
  #read(boundMs: number): number {
    const beforeMs = this.#nowNs() / 1e6;
    const otherMs = this.#otherMs();
    const afterMs = this.#nowNs() / 1e6;
    if (afterMs - beforeMs <= boundMs) this.#offsetMs = otherMs - (beforeMs + afterMs) / 2;
    return afterMs - beforeMs;
  }
}
