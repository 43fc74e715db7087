/** What a socket's losses say: how large its buffer should be, whether buffer or reader was at fault, and how many messages are gone. No clock: monotonic milliseconds are arguments. */

/** Who was at fault: `buffer`, emptied in time, was too small for what came; `reader` had not emptied it for long. */
export type LossCause = "buffer" | "reader";

/** A reader that has not emptied the buffer for this long is late: even at a low pace it comes four times as often. */
const LATE_MS = 400;

/** A loss is told in health for this long. */
const TOLD_MS = 10_000;

/** The account of one socket. */
export class LossAccount {
  overruns = 0;
  #lastMs: number = Number.NEGATIVE_INFINITY;
  cause: LossCause | undefined;
  readonly #maxBytes: number;
  #emptyMs: number;

  constructor(maxBytes: number, nowMs: number) {
    this.#maxBytes = maxBytes;
    this.#emptyMs = nowMs;
  }

  /** The buffer was read empty. */
  emptied(nowMs: number): void {
    this.#emptyMs = nowMs;
  }

  /** Whether the last loss is to be told. */
  isTold(nowMs: number): boolean {
    return nowMs - this.#lastMs < TOLD_MS;
  }

  /** Messages were lost from a buffer of `bufferBytes`. Returns the size that it should have from now on. */
  lost(nowMs: number, bufferBytes: number): number {
    this.overruns++;
    this.#lastMs = nowMs;
    this.cause = nowMs - this.#emptyMs > LATE_MS ? "reader" : "buffer";
    return Math.max(bufferBytes, Math.min(bufferBytes * 2, this.#maxBytes));
  }
}
