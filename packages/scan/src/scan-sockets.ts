/** The stream of socket tables. */
import type { SocketTable } from "@conntrail/model";
import {
  asyncScheduler,
  defer,
  EMPTY,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  NEVER,
  Observable,
  of,
  takeUntil,
} from "rxjs";
import { looks } from "./begun-ends.ts";
import { type ScanOptions, settingsOf } from "./options.ts";
import { paced } from "./paced.ts";
import { ScanPool } from "./scan-pool.ts";

const DEFAULTS = {
  intervalMs: 1000,
  cpuBudget: 0.1,
  lookBudget: 0.03,
  deadlineMs: 30_000,
  closeDeadlineMs: 1500,
} as const;

/**
 * Scans sockets and their owners, the first time at once. Each subscription has a thread of its own, which begins with it.
 *
 * Ends when it is unsubscribed from or `stop$` emits; the second completes it, after the thread is gone. Errors, after the thread is gone, with OpError for
 * what the system refused (ETIMEDOUT: a scan hung; EPIPE: its thread died), which is worth another try later, and with any
 * other error for a bug. What cannot be read of single sockets, processes and namespaces is in `health`, never an error. The
 * table is the consumer's; a slow one delays the next scan.
 */
export function scanSockets(options: ScanOptions = {}): Observable<SocketTable> {
  const { intervalMs, cpuBudget, lookBudget, deadlineMs, closeDeadlineMs } = { ...DEFAULTS, ...defined(options) };
  const {
    trigger$,
    ends$ = EMPTY,
    onLook,
    stop$ = NEVER,
    tap,
    mayBeStill,
    onStill,
    scheduler = asyncScheduler,
  } = options;
  return new Observable((subscriber) => {
    const pool = new ScanPool(settingsOf(options), { deadlineMs, closeDeadlineMs });
    const scans$ = paced(() => defer(() => from(pool.scan(tap !== undefined, mayBeStill?.()))), {
      intervalMs,
      cpuBudget,
      scheduler,
      ...(trigger$ === undefined ? {} : { trigger$ }),
    });
    const tables$ = scans$.pipe(
      mergeMap((answer) => {
        if (answer.kind === "still") {
          onStill?.();
          return EMPTY;
        }
        if (answer.record !== undefined) tap?.(answer.record);
        return of(answer.table);
      }),
      takeUntil(stop$),
    );
    const looks$ = looks(ends$, (ends) => pool.look(ends), { budget: lookBudget, scheduler }).pipe(
      map(({ ends }) => onLook?.(ends)),
      ignoreElements(),
      takeUntil(stop$),
    );
    const subscription = merge(tables$, looks$).subscribe({
      next: (table) => subscriber.next(table),
      error: (error: unknown) => void pool.close().then(() => subscriber.error(error)),
      complete: () => void pool.close().then(() => subscriber.complete()),
    });
    return () => {
      subscription.unsubscribe();
      void pool.close();
    };
  });
}

function defined(options: ScanOptions): ScanOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
