/**
 * How long to wait before a socket is read again. Under load so long that a thousand events or so come with each reading, for waking costs more than
 * reading; never so long that the buffer could fill; when nothing comes, ever longer. No clock: elapsed time is an argument.
 */

/** Events that a reading should find under load: with 512, an event cost 6 % more of the reader's CPU. */
const GOAL = 2_048;

/** Milliseconds. What comes while the reader sleeps its longest must fit into the receive buffer, also when a burst begins just then. */
const SHORTEST = 2;
const LONGEST = 20;
/** After this long without any event, a reader sleeps even longer: most namespaces of a host are idle. */
const IDLE_AFTER = 2_000;
const LONGEST_IDLE = 40;

/** The pace of one socket. */
export class DrainPace {
  #delayMs = SHORTEST;
  #quietMs = 0;

  /** The delay in milliseconds until the next reading, after one that found `events` within `elapsedMs` of the last. */
  next(events: number, elapsedMs: number): number {
    if (events === 0) {
      this.#quietMs += elapsedMs;
      const longest = this.#quietMs > IDLE_AFTER ? LONGEST_IDLE : LONGEST;
      this.#delayMs = Math.min(longest, this.#delayMs * 1.5);
      return this.#delayMs;
    }
    this.#quietMs = 0;
    const wanted = (GOAL * Math.max(elapsedMs, 0.1)) / events;
    this.#delayMs = Math.min(LONGEST, Math.max(SHORTEST, Math.min(wanted, this.#delayMs * 2)));
    return this.#delayMs;
  }
}
