/** Ends that began, on their way to a look: bounded, the newest go first, and no more often than a share of one core allows. */
import { TRACE_WORDS } from "@conntrail/model";
import {
  concatMap,
  defer,
  EMPTY,
  exhaustMap,
  finalize,
  from,
  ignoreElements,
  merge,
  type Observable,
  type ObservableInput,
  of,
  repeat,
  type SchedulerLike,
  Subject,
  tap,
  timer,
} from "rxjs";

/** Rows of the trace: the ends of connections that began (TRACE.local is the end that is asked for). */
export interface BegunEnds {
  readonly rows: Uint32Array;
  readonly count: number;
}

/** Ends that wait for a look at most: those of 256 connections. */
const MOST_ENDS = 512;

/** From the beginning of one look to that of the next at the least, and what a look waits for others to come. */
const LEAST_MS = 50;
const GATHER_MS = 10;

/** How much of the budget can be saved up, in time: the first looks are dear, while their code is compiled. */
const SAVED_MS = 2_000;

/** How they are looked at. */
export interface LookPace {
  /** Share of one core. */
  readonly budget: number;
  readonly scheduler: SchedulerLike;
}

/** Ends that wait. The newest replace the oldest. */
class Waiting {
  readonly #rows = new Uint32Array(MOST_ENDS * TRACE_WORDS);
  #added = 0;

  add({ rows, count }: BegunEnds): void {
    for (let row = Math.max(0, count - MOST_ENDS); row < count; row++) {
      const from = row * TRACE_WORDS;
      this.#rows.set(rows.subarray(from, from + TRACE_WORDS), (this.#added++ % MOST_ENDS) * TRACE_WORDS);
    }
  }

  get isEmpty(): boolean {
    return this.#added === 0;
  }

  take(): BegunEnds {
    const count = Math.min(this.#added, MOST_ENDS);
    this.#added = 0;
    return { rows: this.#rows.slice(0, count * TRACE_WORDS), count };
  }
}

/** The results of `look`, for the ends that come. Ends with them; an error of a look ends it. */
export function looks<T extends { readonly cpuMs: number }>(
  ends$: Observable<BegunEnds>,
  look: (ends: BegunEnds) => ObservableInput<T>,
  { budget, scheduler }: LookPace,
): Observable<T> {
  return defer(() => {
    const waiting = new Waiting();
    const due$ = new Subject<void>();
    let earliestMs = scheduler.now();
    // The budget's account is a point in time: a look may begin once it is past, and each millisecond of CPU moves it on.
    let paidUntilMs = earliestMs - SAVED_MS;
    const once$ = defer(() =>
      timer(Math.max(GATHER_MS, Math.max(earliestMs, paidUntilMs) - scheduler.now()), scheduler),
    ).pipe(
      concatMap(() => {
        const beganMs = scheduler.now();
        return from(look(waiting.take())).pipe(
          tap(({ cpuMs }) => {
            earliestMs = beganMs + LEAST_MS;
            paidUntilMs = Math.max(paidUntilMs, beganMs - SAVED_MS) + cpuMs / budget;
          }),
        );
      }),
    );
    const untilEmpty$ = once$.pipe(repeat({ delay: () => (waiting.isEmpty ? EMPTY : of(true)) }));
    const results$ = due$.pipe(exhaustMap(() => untilEmpty$));
    const intake$ = ends$.pipe(
      tap((ends) => {
        waiting.add(ends);
        if (!waiting.isEmpty) due$.next();
      }),
      finalize(() => due$.complete()),
      ignoreElements(),
    );
    return merge(results$, intake$);
  });
}
