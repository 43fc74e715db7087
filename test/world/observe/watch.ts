/** One namespace as the simulated ingest watches it: its queue of events, read at a pace of its own, with what was lost of it. */
import type { PlaceLog, Told } from "../kernel/kernel.ts";
import { type Entry, TOLD } from "../truth/lives.ts";
import type { Place } from "../truth/places.ts";
import { after, type Plan } from "./plan.ts";

/** A watch. It subscribes when it is made. */
export class Watch {
  readonly place: Place;
  readonly log: PlaceLog;
  readonly sinceMs: number;
  /** Found after watching began. */
  readonly late: boolean;
  /** When it was read last. */
  readMs: number;
  dumpDueMs: number;
  /** When the first loss came that no dump was begun after. */
  lossMs: number = Number.POSITIVE_INFINITY;
  complete = false;
  /** Nothing is missing that a dump would have to mend. */
  whole = false;
  /** Dumps that proved nothing since. */
  failures = 0;
  #lossCutMs = -1e12;
  readonly #plan: Plan;
  readonly #periodMs: number;
  #next: number;

  constructor(place: Place, log: PlaceLog, plan: Plan, periodMs: number, nowMs: number, late: boolean) {
    this.place = place;
    this.log = log;
    this.late = late;
    this.sinceMs = this.readMs = this.dumpDueMs = nowMs;
    this.#plan = plan;
    this.#periodMs = periodMs;
    this.#next = log.events.findIndex(({ event }) => event.atMs >= nowMs);
    if (this.#next < 0) this.#next = log.events.length;
  }

  /** When its queue is read next and has something in it; Infinity: never again. */
  get dueMs(): number {
    for (; this.#next < this.log.events.length; this.#next++) {
      const { entry, event } = this.log.events[this.#next]!;
      if (!this.isSilent(entry)) return this.#readingAfter(Math.max(event.atMs, this.readMs));
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The last moment before the first waiting event at which the queue was read, and empty. */
  get emptyMs(): number {
    const first = this.log.events[this.#next]?.event.atMs ?? Number.POSITIVE_INFINITY;
    if (first === Number.POSITIVE_INFINITY) return this.readMs;
    const before = Math.floor(first / this.#periodMs) * this.#periodMs;
    return Math.max(this.readMs, after(this.#plan.stalls, this.place.index, before) === before ? before : this.readMs);
  }

  /** What was told here before this moment has been applied; as in namespace-watch.ts. */
  get cutMs(): number {
    return this.whole || this.failures > 0 ? this.readMs : this.#lossCutMs;
  }

  /** Events were lost after `emptyMs`. */
  lost(emptyMs: number): void {
    if (this.whole) this.#lossCutMs = emptyMs;
    this.whole = false;
  }

  /** Takes what waits at `nowMs`: calls `take` for each event, `lose` for each that the kernel dropped. */
  read(nowMs: number, take: (told: Told) => void, lose: (told: Told) => void): void {
    const { events } = this.log;
    const first = this.#next;
    for (; this.#next < events.length && events[this.#next]!.event.atMs <= nowMs; this.#next++) {
      // The kernel tells of the loss before it gives what is left.
      if (this.#isLost(events[this.#next]!)) lose(events[this.#next]!);
    }
    for (let i = first; i < this.#next; i++) {
      const told = events[i]!;
      if (!this.#isLost(told) && !this.isSilent(told.entry)) take(told);
    }
    this.readMs = Math.max(this.readMs, nowMs);
  }

  /** Made while nobody listened: its events are never told. */
  isSilent({ events }: Entry): boolean {
    return this.#plan.ghosts && events[0]!.atMs < this.sinceMs && events[0]!.told === TOLD.new;
  }

  #isLost({ entry, event }: Told): boolean {
    if (this.isSilent(entry)) return false;
    const { index } = this.place;
    return this.#plan.losses.some(
      ({ place, fromMs, toMs }) => place === index && event.atMs >= fromMs && event.atMs < toMs,
    );
  }

  #readingAfter(atMs: number): number {
    const next = Math.ceil(atMs / this.#periodMs) * this.#periodMs;
    return after(this.#plan.stalls, this.place.index, next);
  }
}
