/** Replay at a given speed: waits until the moment of a record has come again. The only place of replay that reads a real clock. */
import { setTimeout as sleep } from "node:timers/promises";

/** What a wait shorter than this would save is less than a timer costs. */
const LEAST_WAIT_MS = 2;

/** The pace of one replay, from its first wait on. */
export class Pace {
  readonly #speed: number;
  readonly #signal: AbortSignal;
  #originMs: number | undefined;
  #startedMs = 0;

  /** `speed`: capture time per real time; Infinity never waits. */
  constructor(speed: number, signal: AbortSignal) {
    this.#speed = speed;
    this.#signal = signal;
  }

  /** Resolves when the capture's `timeMs` has come, or the signal was given. */
  async until(timeMs: number): Promise<void> {
    if (this.#originMs === undefined) {
      this.#originMs = timeMs;
      this.#startedMs = performance.now();
    }
    const waitMs = this.#startedMs + (timeMs - this.#originMs) / this.#speed - performance.now();
    // A timer takes no more than 2^31 - 1 ms at a time (timers in node).
    for (let leftMs = waitMs; leftMs > LEAST_WAIT_MS && !this.#signal.aborted; leftMs -= MAX_TIMER_MS) {
      await sleep(Math.min(leftMs, MAX_TIMER_MS), undefined, { signal: this.#signal }).catch(() => {});
    }
  }
}

const MAX_TIMER_MS = 2_147_483_647;
