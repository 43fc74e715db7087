/**
 * When reports are due, and scans for them. A regular tick comes at every interval; a pulled one at once. Ticks that fall due while the
 * pipeline is busy collapse into one, and a tick answers every request made before it.
 */
import type { Tick } from "@conntrail/model";
import { interval, map, merge, NEVER, type Observable, type SchedulerLike, takeUntil, timer } from "rxjs";

/** What makes ticks. */
export interface TickOptions {
  /** Milliseconds between regular ticks; 0 for none. */
  readonly intervalMs: number;
  /** Asks for a tick at once. */
  readonly pull$: Observable<unknown>;
  /** Ends the ticks. */
  readonly stop$: Observable<unknown>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly scheduler?: SchedulerLike;
}

/** Regular and pulled ticks until `stop$`. */
export function ticks({ intervalMs, pull$, stop$, now, scheduler }: TickOptions): Observable<Tick> {
  const regular$ = intervalMs === 0 ? NEVER : interval(intervalMs, scheduler);
  return merge(regular$, pull$).pipe(
    map((): Tick => ({ kind: "tick", timeMs: now(), final: false })),
    takeUntil(stop$),
  );
}

/** How long before a regular tick the sockets are scanned: time for the scan, and the table is still fresh. */
const SCAN_LEAD_MS = 150;

/** Asks for a scan just before each regular tick. A tick does not wait for it. */
export function scanTriggers(intervalMs: number, scheduler?: SchedulerLike): Observable<unknown> {
  if (intervalMs === 0) return NEVER;
  return timer(intervalMs - Math.min(SCAN_LEAD_MS, intervalMs / 2), intervalMs, scheduler);
}
