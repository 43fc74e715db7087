/**
 * When a namespace's table is dumped: at the start, soon after a loss, now and then to find flows without events, and when somebody asks; never so often that
 * dumps are what the time goes into. No clock: monotonic milliseconds are arguments.
 */

/** After a loss this long without another before the table is dumped again; but not longer than RESYNC_LATEST_MS. */
const RESYNC_QUIET_MS = 200;
const RESYNC_LATEST_MS = 1_000;

/** A dump that proved nothing is repeated after this long, doubled each time up to RETRY_LATEST_MS. */
const RETRY_MS = 100;
const RETRY_LATEST_MS = 1_000;

/** Dumps take at most this share of the time: 1/30. */
const REST_PER_DUMP = 30;

/** Between a dump and one that is asked for: this many times what it took. */
const REST_PER_REQUEST = 10;

/** Between dumps of a namespace without events. */
const POLL_MS = 1_000;

const NEVER = Number.POSITIVE_INFINITY;

/** The schedule of one namespace. The first dump is due at once. */
export class DumpSchedule {
  readonly #reconcileMs: number;
  #dueMs: number;
  /** When the dump under way began. */
  #startedMs: number | undefined;
  /** Of the losses that no dump has been begun after. */
  #firstLossMs = NEVER;
  /** No dump before: the last one proved nothing. */
  #notBeforeMs = 0;
  /** When a dump that is asked for may begin. */
  #restedMs = 0;
  #askedMeanwhile = false;
  #failures = 0;

  constructor(nowMs: number, reconcileMs: number) {
    this.#dueMs = nowMs;
    this.#reconcileMs = reconcileMs;
  }

  /** When the next dump is due; Infinity while one is under way. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Dumps in a row that proved nothing. */
  get failures(): number {
    return this.#failures;
  }

  /** Events were lost: a dump must follow. */
  lost(nowMs: number): void {
    this.#firstLossMs = Math.min(this.#firstLossMs, nowMs);
    const dueMs = Math.min(nowMs + RESYNC_QUIET_MS, this.#firstLossMs + RESYNC_LATEST_MS);
    this.#dueMs = Math.max(dueMs, this.#notBeforeMs);
  }

  /** Somebody wants a dump that begins from now on. */
  ask(nowMs: number): void {
    if (this.#startedMs !== undefined) this.#askedMeanwhile = true;
    else this.#dueMs = Math.min(this.#dueMs, Math.max(nowMs, this.#restedMs));
  }

  /** It could not begin. */
  postpone(nowMs: number): void {
    this.#dueMs = nowMs + RETRY_MS;
  }

  /** It begins. */
  begin(nowMs: number): void {
    this.#startedMs = nowMs;
    this.#firstLossMs = NEVER;
    this.#dueMs = NEVER;
  }

  /** It is over. `complete`: it proves what the kernel has. `eventsOff`: dumps are all there is, and come more often. */
  end(nowMs: number, complete: boolean, eventsOff: boolean): void {
    const lastedMs = nowMs - (this.#startedMs ?? nowMs);
    this.#startedMs = undefined;
    if (!complete) {
      const waitMs = Math.min(RETRY_LATEST_MS, RETRY_MS * 2 ** Math.min(this.#failures++, 8));
      this.#notBeforeMs = nowMs + Math.max(waitMs, 2 * lastedMs);
      this.#dueMs = this.#notBeforeMs;
      return;
    }
    this.#failures = 0;
    const restMs = eventsOff ? Math.min(POLL_MS, this.#reconcileMs) : this.#reconcileMs;
    this.#restedMs = nowMs + REST_PER_REQUEST * lastedMs;
    this.#dueMs = nowMs + Math.max(restMs, REST_PER_DUMP * lastedMs);
    if (this.#askedMeanwhile) this.#dueMs = Math.min(this.#dueMs, this.#restedMs);
    this.#askedMeanwhile = false;
  }
}
