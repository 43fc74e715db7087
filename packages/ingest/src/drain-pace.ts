/**
 * How long to wait before a socket is read again. Under load so long that thousands of events come with each reading, for waking costs
 * much; never so long that the buffer could fill; when nothing comes, ever longer. No clock: elapsed time is an argument.
 */

/** Events that a reading should find under load. At 100,000 a second an event costs 7 % more of the reader's CPU with half of it, 15 % with an eighth. */
const GOAL = 4_096;

/** Milliseconds. Longer sleeps would save little more, and a closing must be told soon. */
const SHORTEST = 2;
const LONGEST = 40;

/** What a generator at full speed makes in a millisecond, and the room that an event takes in the receive buffer. */
const BURST_PER_MS = 600;
const EVENT_BYTES = 1_024;

/** The pace of one socket. */
export class DrainPace {
  #delayMs = SHORTEST;
  #longestMs = LONGEST;

  /** A burst that begins just after a reading must fit into the socket's receive buffer, `bytes` as the kernel accounts it, until the next. */
  setReceiveBuffer(bytes: number): void {
    this.#longestMs = Math.max(SHORTEST, Math.min(LONGEST, bytes / (BURST_PER_MS * EVENT_BYTES)));
  }

  /** The delay in milliseconds until the next reading, after one that found `events` within `elapsedMs` of the last. */
  next(events: number, elapsedMs: number): number {
    const wanted = events === 0 ? this.#delayMs * 1.5 : (GOAL * Math.max(elapsedMs, 0.1)) / events;
    this.#delayMs = Math.min(this.#longestMs, Math.max(SHORTEST, Math.min(wanted, this.#delayMs * 2)));
    return this.#delayMs;
  }
}
