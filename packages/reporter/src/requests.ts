/** What was asked of the pipeline worker and has not come yet, each with a deadline. */

/** Time for an answer. */
const DEADLINE_MS = 10_000;

interface Pending<Answer> {
  resolve(answer: Answer): void;
  reject(error: unknown): void;
  readonly timer: NodeJS.Timeout;
}

/** The requests. */
export class Requests<Answer> {
  readonly #pending = new Map<number, Pending<Answer>>();
  readonly #what: string;
  #next = 1;

  /** `what`: the answer in one word, for the error at the deadline. */
  constructor(what: string) {
    this.#what = what;
  }

  /** A new request: `send` is told its number. Rejects at the deadline. */
  add(send: (request: number) => void): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = this.#next++;
      const late = (): void => this.settle(request, new Error(`no ${this.#what} within ${DEADLINE_MS} ms`));
      this.#pending.set(request, { resolve, reject, timer: setTimeout(late, DEADLINE_MS) });
      send(request);
    });
  }

  /** The numbers of those that wait. */
  numbers(): number[] {
    return [...this.#pending.keys()];
  }

  /** Answers one. */
  settle(request: number, outcome: Answer | Error): void {
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
