/** A sink that hands each report to an Observer or a callback. */
import type { Report } from "@conntrail/report";
import type { Delivery, Sink } from "./sink.ts";

/** Calls `next` with each report, and `complete` at the end when the observer has one. */
export function observer(target: ((report: Report) => void) | ReportObserver, name = "observer"): Sink {
  const { next, complete } = typeof target === "function" ? { next: target, complete: undefined } : target;
  return {
    name,
    encoding: null,
    deliver: ({ report }: Delivery): void => next(report),
    close: (): void => complete?.(),
  };
}

/** The part of an RxJS Observer that a sink uses. */
export interface ReportObserver {
  next(report: Report): void;
  complete?(): void;
}
