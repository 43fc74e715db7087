/**
 * The time of a replay: that of the capture. It never goes back, and decides when reports are due and where the stretch that was asked for
 * begins and ends. Nothing here reads a real clock.
 */
import type { ReplaySettings, ReplayTime } from "./replay-options.ts";

/** The last moment of the year 9999: what is beyond was not meant as a time. */
const MAX_TIME_MS = 253_402_300_799_999;

/** Reports that may fall due between two records. Beyond, a stretch in which nothing happens is one report. */
const MAX_IDLE_REPORTS = 1_000;

/**
 * How far a file is read on behind `to`. Records lie in the order in which they reached the recorder, and events reach it up to some hundred
 * milliseconds after a scan or a report of the same moment.
 */
const DISORDER_MS = 5_000;

/** A moment at which a report is due. `hidden`: it only ends what lies before the stretch. */
export interface Due {
  readonly timeMs: number;
  readonly hidden: boolean;
}

/** The clock of one replay. */
export class ReplayClock {
  /** Records whose time could not be. */
  badTimes = 0;
  readonly #settings: ReplaySettings;
  #intervalMs = Number.POSITIVE_INFINITY;
  #firstMs: number | undefined;
  #lastMs = 0;
  #endMs: number | undefined;
  #fromMs = Number.NEGATIVE_INFINITY;
  #toMs = Number.POSITIVE_INFINITY;
  #nextMs = Number.POSITIVE_INFINITY;
  #beyond = false;
  #before: boolean;

  constructor(settings: ReplaySettings) {
    this.#settings = settings;
    this.#before = settings.from !== undefined;
  }

  /** The time of the latest record. */
  get nowMs(): number {
    return this.#lastMs;
  }

  /** The time of the first record; undefined before it. */
  get firstMs(): number | undefined {
    return this.#firstMs;
  }

  /** Everything of the stretch was read. */
  get done(): boolean {
    return this.#lastMs > this.#toMs + DISORDER_MS;
  }

  /** Makes regular reports due, from now on. */
  every(intervalMs: number): void {
    this.#intervalMs = intervalMs;
    this.#nextMs = Math.max(this.#firstMs ?? 0, this.#fromMs) + intervalMs;
  }

  /** A record of that time comes. False: it lies behind the stretch and is not to be applied. */
  reach(timeMs: number): boolean {
    let atMs = timeMs;
    if (!(timeMs >= 0 && timeMs <= MAX_TIME_MS)) {
      this.badTimes++;
      atMs = this.#lastMs;
    }
    if (this.#firstMs === undefined) this.#begin(atMs);
    if (atMs > this.#lastMs) this.#lastMs = atMs;
    if (atMs > this.#toMs) this.#beyond = true;
    return atMs <= this.#toMs;
  }

  /** Whether `due` may have something to say. */
  get isDue(): boolean {
    return this.#lastMs >= (this.#before ? this.#fromMs : this.#nextMs);
  }

  /** The next report that is due before a record of the time reached; undefined when there is none. */
  due(): Due | undefined {
    const nowMs = Math.min(this.#lastMs, this.#toMs);
    if (this.#before && nowMs >= this.#fromMs) {
      this.#before = false;
      return { timeMs: this.#fromMs, hidden: true };
    }
    // On the very end it is the last report.
    if (this.#before || nowMs < this.#nextMs || this.#nextMs >= this.#toMs) return undefined;
    const missed = Math.floor((nowMs - this.#nextMs) / this.#intervalMs);
    const timeMs = this.#nextMs + (missed > MAX_IDLE_REPORTS ? missed * this.#intervalMs : 0);
    this.#nextMs = timeMs + this.#intervalMs;
    return { timeMs, hidden: false };
  }

  /** A recorded report of that time: whether it is one of the stretch. The last one gives the end of the file its time. */
  takesRecorded(timeMs: number, final: boolean): boolean {
    if (final) this.#endMs = timeMs;
    return !final && !this.#before && timeMs > this.#fromMs && timeMs < this.#toMs;
  }

  /** What is due at the end: first, if it never came, the beginning of the stretch; then the last report. */
  end(): { readonly hidden: Due | undefined; readonly timeMs: number } {
    const timeMs = this.#beyond ? this.#toMs : Math.max(this.#endMs ?? 0, this.#lastMs);
    const hidden = this.#before ? { timeMs, hidden: true } : undefined;
    this.#before = false;
    return { hidden, timeMs };
  }

  #begin(timeMs: number): void {
    const moment = (time: ReplayTime): number => (typeof time === "number" ? time : timeMs + time.afterMs);
    const { from, to } = this.#settings;
    this.#firstMs = timeMs;
    this.#lastMs = timeMs;
    // A stretch cannot begin before the capture does: what is reported then is the whole.
    this.#fromMs = from === undefined ? Number.NEGATIVE_INFINITY : Math.max(timeMs, moment(from));
    if (to !== undefined) this.#toMs = Math.max(timeMs, moment(to));
  }
}
