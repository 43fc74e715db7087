/**
 * When changes are looked for, in the pipeline worker: soon after something came in, never more often than they can be taken, and never so often that looking for them
 * costs more than a small share of the thread. Nothing is looked for while nobody listens.
 */
import type { Tick } from "@conntrail/model";
import { type Observable, Subject } from "rxjs";

/** From the first input to the look: what comes in together is told together. The ingest has waited for more before it sent its batch. */
const DELAY_MS = 5;

/** Looks take a share of the thread's time: of each millisecond that one keeps it the next ones make up by waiting so many. On a busy machine it may have lain still for most of the time. */
const REST = 10;

/** What looks may have taken in advance, milliseconds: one that is dear for once, such as the first or that after a table, does not put off the next. */
const ADVANCE_MS = 20;

/** The same after a look at all connections for the sake of what came to be known of them from elsewhere. */
const REST_AFTER_ALL = 50;

/** Between two such looks at least, and at the most while anything comes in. */
const ALL_EVERY_MS = { least: 1_000, most: 60_000 } as const;

/** More is forgotten: no rest is longer than ALL_EVERY_MS.least, and soon after dear looks cheap ones are as frequent as ever. */
const MOST_OWED_MS = ADVANCE_MS + ALL_EVERY_MS.least / REST;

/** Messages that the host has not taken yet. Meanwhile what changes is noted once a connection, however often it changes. */
const MOST_UNDER_WAY = 2;

/** The first look waits for the sources, but not for ever: what they have by then is told. */
const READY_DEADLINE_MS = 20_000;

/** What the looks need. */
export interface ChangeTicksOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds that this thread has run so far; `undefined` where the kernel does not count them. */
  readonly cpu: () => number | undefined;
  /** No reports are made at intervals: what has ended counts as told with its change. */
  readonly endsTold: boolean;
}

/** The ticks. */
export class ChangeTicks {
  readonly ticks$: Observable<Tick>;
  readonly #ticks$ = new Subject<Tick>();
  readonly #options: ChangeTicksOptions;
  #timer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** All sources have been heard: until then what lives is not known, and what was there before would seem to open. */
  #ready = false;
  #on = false;
  /** A listener waits for all connections. */
  #wanted = false;
  /** Something came to be known of connections that did not change: a name. */
  #elsewhere = false;
  #pending = false;
  #lookups = 0;
  #underWay = 0;
  /** What looks have taken and not made up for, and as of when. */
  #owedMs = 0;
  #owedAtMs = 0;
  #restUntilMs = 0;
  #allAtMs = 0;
  #allCostMs = 0;

  constructor(options: ChangeTicksOptions) {
    this.#options = options;
    this.ticks$ = this.#ticks$.asObservable();
  }

  /** All sources have been heard once. */
  ready(): void {
    clearTimeout(this.#deadline);
    this.#ready = true;
    if (this.#pending) this.#due();
  }

  /** Somebody wants all connections, and then what changes; or nobody does any more. */
  listen(want: "all" | "off"): void {
    this.#wanted = want === "all";
    if (want === "all") {
      this.#on = true;
      if (!this.#ready) this.#deadline ??= setTimeout(() => this.ready(), READY_DEADLINE_MS);
      this.#due();
    } else if (this.#on) {
      this.#on = false;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#ticks$.next({ kind: "tick", timeMs: this.#options.now(), final: false, news: "off" });
    }
  }

  /** Something came in. `lookups`: names that were looked up so far; whose one more is, is not known here. */
  input(lookups: number): void {
    if (lookups !== this.#lookups) this.#elsewhere = true;
    this.#lookups = lookups;
    this.#due();
  }

  /** The next message is to have all connections: a listener waits for them. Answers once. */
  takeWanted(): boolean {
    const wanted = this.#wanted;
    this.#wanted = false;
    return wanted;
  }

  /** A message is on its way. */
  sent(): void {
    this.#underWay++;
  }

  /** The host has taken one. */
  taken(): void {
    this.#underWay--;
    if (this.#pending) this.#due();
  }

  /** No ticks any more. */
  end(): void {
    this.#on = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    this.#ticks$.complete();
  }

  #due(): void {
    if (!this.#on) return;
    this.#pending = true;
    if (!this.#ready || this.#timer !== undefined || this.#underWay >= MOST_UNDER_WAY) return;
    const waitMs = Math.max(DELAY_MS, this.#restUntilMs - this.#options.now());
    this.#timer = setTimeout(() => this.#look(), waitMs);
  }

  #look(): void {
    this.#timer = undefined;
    this.#pending = false;
    const timeMs = this.#options.now();
    const cpuMs = this.#options.cpu();
    const all = this.#wanted || this.#isAllDue(timeMs);
    const { endsTold } = this.#options;
    this.#ticks$.next({ kind: "tick", timeMs, final: false, news: all ? "all" : "touched", endsTold });
    const doneMs = this.#options.now();
    const costMs = Math.min(doneMs - timeMs, (this.#options.cpu() ?? Number.POSITIVE_INFINITY) - (cpuMs ?? 0));
    if (all) {
      this.#elsewhere = false;
      this.#allAtMs = doneMs;
      this.#allCostMs = costMs;
    }
    const owedMs = Math.max(0, this.#owedMs - (timeMs - this.#owedAtMs) / REST) + costMs;
    this.#owedMs = Math.min(owedMs, MOST_OWED_MS);
    this.#owedAtMs = doneMs;
    this.#restUntilMs = doneMs + REST * Math.max(0, this.#owedMs - ADVANCE_MS);
  }

  #isAllDue(nowMs: number): boolean {
    const sinceMs = nowMs - this.#allAtMs;
    if (sinceMs >= ALL_EVERY_MS.most) return true;
    return this.#elsewhere && sinceMs >= Math.max(ALL_EVERY_MS.least, REST_AFTER_ALL * this.#allCostMs);
  }
}
