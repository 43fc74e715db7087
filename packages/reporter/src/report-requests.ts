/** Reports that were asked for and have not come yet, each with a deadline. */
import type { Report } from "@conntrail/report";

/** Time for a pulled report. */
const DEADLINE_MS = 10_000;

interface Pending {
  resolve(report: Report): void;
  reject(error: unknown): void;
  readonly timer: NodeJS.Timeout;
}

/** The requests. */
export class ReportRequests {
  readonly #pending = new Map<number, Pending>();
  #next = 1;

  /** A new request: `send` is told its number. Rejects at the deadline. */
  add(send: (request: number) => void): Promise<Report> {
    return new Promise((resolve, reject) => {
      const request = this.#next++;
      const late = (): void => this.settle(request, new Error(`no report within ${DEADLINE_MS} ms`));
      this.#pending.set(request, { resolve, reject, timer: setTimeout(late, DEADLINE_MS) });
      send(request);
    });
  }

  /** The numbers of those that wait. */
  numbers(): number[] {
    return [...this.#pending.keys()];
  }

  /** Answers one. */
  settle(request: number, outcome: Report | Error): void {
    const pending = this.#pending.get(request);
    if (pending === undefined) return;
    this.#pending.delete(request);
    clearTimeout(pending.timer);
    if (outcome instanceof Error) pending.reject(outcome);
    else pending.resolve(outcome);
  }

  /** Refuses all that wait. */
  refuse(reason: Error): void {
    for (const request of this.numbers()) this.settle(request, reason);
  }
}
