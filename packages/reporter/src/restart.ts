/**
 * The one retry policy: a source that fails is started anew after a wait that doubles from one second to thirty, and
 * falls back to one second once the source has worked again.
 */
import { type Observable, retry, type SchedulerLike, takeUntil, timer } from "rxjs";

/** Limits of the wait between a failure and the next start. */
const RESTART_DELAY = { firstMs: 1000, mostMs: 30_000 } as const;

/** How to restart. */
export interface RestartOptions {
  /** Told of every failure, with the wait that follows. */
  readonly onFailure: (error: unknown, delayMs: number) => void;
  /** A failure for which a new start is pointless: it ends the source. */
  readonly isFinal?: (error: unknown) => boolean;
  /** Ends the waiting, and with it the source. */
  readonly stop$: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/** Restarts `source` on every error. */
export function restarting<T>(source: Observable<T>, options: RestartOptions): Observable<T> {
  return source.pipe(
    retry({
      resetOnSuccess: true,
      delay: (error: unknown, attempt: number) => {
        if (options.isFinal?.(error) === true) throw error;
        const delayMs = Math.min(RESTART_DELAY.firstMs * 2 ** (attempt - 1), RESTART_DELAY.mostMs);
        options.onFailure(error, delayMs);
        return timer(delayMs, options.scheduler).pipe(takeUntil(options.stop$));
      },
    }),
  );
}
