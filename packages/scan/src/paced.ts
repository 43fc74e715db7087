/** Work done again and again, at a pace: never two at a time, not more often than an interval, and within a share of one core. */
import {
  asyncScheduler,
  BehaviorSubject,
  defer,
  delayWhen,
  EMPTY,
  filter,
  ignoreElements,
  merge,
  type Observable,
  repeat,
  type SchedulerLike,
  take,
  tap,
  timer,
} from "rxjs";

/** The pace. */
export interface Pace {
  /** From the start of one piece of work to the start of the next. */
  readonly intervalMs: number;
  /** Share of one core. Work may take five seconds' worth of it in advance: an expensive first time, a burst of requests. */
  readonly cpuBudget: number;
  /** Each value asks for work as soon as the budget allows. What is asked during work is done once, after it. */
  readonly trigger$?: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/** How much of the budget can be saved up, in time. */
const SAVED_MS = 5000;

/**
 * The results of `work`, which gives one value and completes. Starts when subscribed to; an error of the work or of the trigger ends it. A slow
 * consumer delays the next piece of work; nothing queues up.
 */
export function paced<T extends { readonly cpuMs: number }>(work: () => Observable<T>, pace: Pace): Observable<T> {
  const { intervalMs, cpuBudget, trigger$ = EMPTY, scheduler = asyncScheduler } = pace;
  return defer(() => {
    const asked$ = new BehaviorSubject(false);
    let startedMs = scheduler.now();
    // The budget's account is a point in time: work may begin once it is past, and each millisecond of CPU moves it on.
    let paidUntilMs = startedMs - SAVED_MS;
    const wait = (untilMs: number): Observable<number> => timer(Math.max(0, untilMs - scheduler.now()), scheduler);
    const next = (): Observable<unknown> => {
      const due$ = wait(Math.max(startedMs + intervalMs, paidUntilMs));
      const wanted$ = asked$.pipe(
        filter(Boolean),
        delayWhen(() => wait(paidUntilMs)),
      );
      return merge(due$, wanted$).pipe(take(1));
    };
    const results$ = defer(() => {
      asked$.next(false);
      startedMs = scheduler.now();
      return work();
    }).pipe(
      tap(({ cpuMs }) => {
        paidUntilMs = Math.max(paidUntilMs, startedMs - SAVED_MS) + cpuMs / cpuBudget;
      }),
      repeat({ delay: next }),
    );
    return merge(
      results$,
      trigger$.pipe(
        tap(() => asked$.next(true)),
        ignoreElements(),
      ),
    );
  });
}
