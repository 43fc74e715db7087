/** How a reporter stands, as one word that changes seldom. */
import type { SnapshotHealth } from "@conntrail/model";
import { BehaviorSubject, distinctUntilChanged, type Observable } from "rxjs";

/**
 * - `starting`: not every source has been heard yet
 * - `ready`: every source that is on works
 * - `degraded`: one does not, or not wholly, or a thread is being started anew; the latest report's health says what would help
 * - `closing`, `closed`: as asked, or because the pipeline cannot be started again
 */
export type ReporterState = "starting" | "ready" | "degraded" | "closing" | "closed";

/** Keeps the word. */
export class StateKeeper {
  /** The state now and each later one; completes after `closed`. */
  readonly state$: Observable<ReporterState>;
  readonly #states = new BehaviorSubject<ReporterState>("starting");
  #heard = false;

  constructor() {
    this.state$ = this.#states.pipe(distinctUntilChanged());
  }

  get now(): ReporterState {
    return this.#states.value;
  }

  /** Every source was heard once. */
  heard(): void {
    this.#heard = true;
    if (this.now === "starting") this.#states.next("ready");
  }

  /** A report's health. */
  report({ conntrack, sockets }: SnapshotHealth): void {
    if (!this.#heard || this.isEnding) return;
    this.#states.next(works(conntrack) && works(sockets) ? "ready" : "degraded");
  }

  /** A thread is gone, and started anew. */
  broke(): void {
    if (this.#heard && !this.isEnding) this.#states.next("degraded");
  }

  closing(): void {
    if (!this.isEnding) this.#states.next("closing");
  }

  closed(): void {
    if (this.now === "closed") return;
    this.#states.next("closed");
    this.#states.complete();
  }

  get isEnding(): boolean {
    return this.now === "closing" || this.now === "closed";
  }
}

function works({ state, reason }: { readonly state: string; readonly reason: string | null }): boolean {
  return state === "ok" || reason === "switched-off";
}
