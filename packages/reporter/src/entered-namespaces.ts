/** Which network namespaces processes have entered, as the trace tells it, for two who look for namespaces: the scan asks when it looks, the ingest is told. */
import { type Observable, Subject } from "rxjs";

/** Inodes; `undefined`: what was entered is not known, so whoever has to know looks for himself. */
export type Entered = ReadonlySet<number> | undefined;

/** The ingest is told of the same namespace so often at the most: its inode is another one's as soon as nobody has it any more, and a container may live for less than a second. */
const TOLD_AGAIN_MS = 500;

/** One per trace. */
export class EnteredNamespaces {
  readonly entered$: Observable<Entered>;
  readonly #entered$ = new Subject<Entered>();
  #forScan: Set<number> | undefined;
  #told: Set<number> | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor() {
    this.entered$ = this.#entered$.asObservable();
  }

  /** Takes what the trace told since it was last read. */
  take(entered: Entered, nowMs: number): void {
    if (entered === undefined) {
      this.#forScan = undefined;
      if (this.#told !== undefined) this.#entered$.next(undefined);
      this.#told = undefined;
      return;
    }
    for (const netns of entered) this.#forScan?.add(netns);
    if (this.#told === undefined || nowMs - this.#toldMs >= TOLD_AGAIN_MS) {
      this.#told = new Set();
      this.#toldMs = nowMs;
    }
    const news = [...entered].filter((netns) => !this.#told!.has(netns));
    if (news.length === 0) return;
    for (const netns of news) this.#told.add(netns);
    this.#entered$.next(new Set(news));
  }

  /** What was entered since this was last asked. */
  takeForScan(): Entered {
    const entered = this.#forScan;
    this.#forScan = new Set();
    return entered;
  }
}
