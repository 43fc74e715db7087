/**
 * The one retry policy: a source that fails is started anew after a wait that doubles from one second to thirty, and
 * falls back to one second once the source has worked again. One that fails too often has failed for good, where that is asked for.
 */
import { asyncScheduler, type Observable, retry, type SchedulerLike, takeUntil, timer } from "rxjs";

/** Limits of the wait between a failure and the next start. */
const RESTART_DELAY = { firstMs: 1000, mostMs: 30_000 } as const;

/** Within which so many failures are too many. */
const FAILURE_WINDOW_MS = 600_000;

/** How to restart. */
export interface RestartOptions {
  /** Told of every failure, with the wait that follows. */
  readonly onFailure: (error: unknown, delayMs: number) => void;
  /** A failure for which a new start is pointless: it ends the source. */
  readonly isFinal?: (error: unknown) => boolean;
  /** Failures within ten minutes that are borne; the next one ends the source. Default: any number. */
  readonly most?: number;
  /** Ends the waiting, and with it the source. */
  readonly stop$: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/** Restarts `source` on every error. */
export function restarting<T>(source: Observable<T>, options: RestartOptions): Observable<T> {
  const { scheduler = asyncScheduler, most = Number.POSITIVE_INFINITY } = options;
  const failures: number[] = [];
  const isTooMany = (): boolean => {
    const nowMs = scheduler.now();
    while (failures.length > 0 && failures[0]! < nowMs - FAILURE_WINDOW_MS) failures.shift();
    return failures.push(nowMs) > most;
  };
  return source.pipe(
    retry({
      resetOnSuccess: true,
      delay: (error: unknown, attempt: number) => {
        if (options.isFinal?.(error) === true) throw error;
        if (isTooMany()) throw new Error(`failed ${failures.length} times within ten minutes`, { cause: error });
        const delayMs = Math.min(RESTART_DELAY.firstMs * 2 ** (attempt - 1), RESTART_DELAY.mostMs);
        options.onFailure(error, delayMs);
        return timer(delayMs, scheduler).pipe(takeUntil(options.stop$));
      },
    }),
  );
}
