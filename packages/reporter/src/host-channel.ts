/** Reports from the pipeline worker to whoever listens on the host thread: the stream, the iterators, the pull requests. */
import type { Report } from "@conntrail/report";
import { Observable, type Subscriber } from "rxjs";

/** Reports that wait for a slow iterator. Beyond it the oldest is dropped; the gap shows in `sequence`. */
const ITERATOR_QUEUE = 16;

/** An Observable of reports that every subscriber shares, as an AsyncIterable too. */
export class ReportChannel {
  readonly reports$: Observable<Report>;
  /** Reports that slow iterators lost. */
  dropped = 0;
  readonly #subscribers = new Set<Subscriber<Report>>();
  #end: { readonly error?: unknown } | undefined;

  constructor() {
    this.reports$ = new Observable<Report>((subscriber) => {
      if (this.#end !== undefined) return settle(subscriber, this.#end);
      this.#subscribers.add(subscriber);
      return () => this.#subscribers.delete(subscriber);
    });
  }

  /** Gives a report to every subscriber. */
  next(report: Report): void {
    for (const subscriber of this.#subscribers) subscriber.next(report);
  }

  /** Completes every subscriber, or errors it when `error` is given. Later subscribers end the same way. */
  end(end: { readonly error?: unknown } = {}): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    for (const subscriber of this.#subscribers) settle(subscriber, end);
    this.#subscribers.clear();
  }

  /** Reports from now on, one at a time; a slow reader loses the oldest beyond ITERATOR_QUEUE. */
  async *iterate(): AsyncGenerator<Report, void, undefined> {
    const queue: Report[] = [];
    let wake: (() => void) | undefined;
    let end: { readonly error?: unknown } | undefined;
    const finish = (how: { readonly error?: unknown }): void => {
      end = how;
      wake?.();
    };
    const subscription = this.reports$.subscribe({
      next: (report) => {
        if (queue.length >= ITERATOR_QUEUE) {
          queue.shift();
          this.dropped++;
        }
        queue.push(report);
        wake?.();
      },
      error: (error: unknown) => finish({ error }),
      complete: () => finish({}),
    });
    try {
      for (;;) {
        const report = queue.shift();
        if (report !== undefined) yield report;
        else if (end !== undefined) {
          if ("error" in end) throw end.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
        }
      }
    } finally {
      subscription.unsubscribe();
    }
  }
}

function settle(subscriber: Subscriber<Report>, end: { readonly error?: unknown }): void {
  if ("error" in end) subscriber.error(end.error);
  else subscriber.complete();
}
