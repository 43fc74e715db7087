/** When the next batch is to be sent. No clock: monotonic milliseconds are arguments. */

/** A change after quiet is told this soon, counted from when it can have happened at the earliest. */
const PROMPT_MS = 15;

/** While somebody waits for each change: a batch of no more flows is followed by the next this soon. */
const FEW = 32;
const SHORT_REST_MS = 30;

/** Without any change a batch is sent all the same, for its health. */
const HEARTBEAT_MS = 1_000;

/** The pace of one ingest's batches. */
export class BatchPace {
  /** Somebody waits for each change. */
  hurried = false;
  readonly #flushMs: number;
  /** When a batch was sent last, and one that had news. */
  #sentMs = Number.NEGATIVE_INFINITY;
  #toldMs = Number.NEGATIVE_INFINITY;
  /** How many flows the batches of that moment told of. */
  #flows = 0;
  /** Since when there may be news. */
  #newsMs = Number.POSITIVE_INFINITY;

  /** `flushMs`: between two batches with news, as long as nobody hurries or there is much of it. */
  constructor(flushMs: number) {
    this.#flushMs = flushMs;
  }

  /** There are news, of `sinceMs` at the earliest. */
  news(sinceMs: number): void {
    this.#newsMs = Math.min(this.#newsMs, sinceMs);
  }

  /** There are news that somebody waits for. */
  urgentNews(nowMs: number): void {
    this.news(nowMs - PROMPT_MS);
  }

  /** When the next batch is due. News of which nobody said since when, such as flows of a namespace that is watched no longer, are of now. */
  dueMs(hasNews: boolean, nowMs: number): number {
    const flushMs = this.#flushMs;
    if (!hasNews) return this.#sentMs + Math.max(HEARTBEAT_MS, flushMs);
    this.news(nowMs);
    const restMs = this.hurried && this.#flows <= FEW ? Math.min(SHORT_REST_MS, flushMs) : flushMs;
    return Math.max(this.#toldMs + restMs, this.#newsMs + Math.min(PROMPT_MS, flushMs));
  }

  /** A batch was sent, of so many flows, with news or without; `more` are left for the next. */
  sent(nowMs: number, flows: number, hadNews: boolean, more: boolean): void {
    this.#sentMs = nowMs;
    if (hadNews) {
      this.#flows = this.#toldMs === nowMs ? this.#flows + flows : flows;
      this.#toldMs = nowMs;
    }
    this.#newsMs = more ? nowMs : Number.POSITIVE_INFINITY;
  }
}
