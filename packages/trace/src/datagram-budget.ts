/**
 * How many datagrams a second may be traced: an unconnected sender pays for each. Beyond the budget the tracing of senders is switched off, and tried
 * again after a while. No clock: times are arguments.
 */

/** How long senders are left alone. */
const REST_MS = 30_000;

/** The budget of one trace. */
export class DatagramBudget {
  readonly #perSecond: number;
  #secondMs = Number.NEGATIVE_INFINITY;
  #count = 0;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Another one. */
  spend(): void {
    this.#count++;
  }

  /** Whether senders are to be traced from now on. */
  allows(nowMs: number): boolean {
    if (nowMs < this.#restsUntilMs) return false;
    const elapsedMs = nowMs - this.#secondMs;
    const limit = this.#perSecond * Math.max(1, Math.min(elapsedMs, 10_000) / 1000);
    const over = this.#count > limit;
    if (over) this.#restsUntilMs = nowMs + REST_MS;
    if (over || elapsedMs >= 1000) {
      this.#secondMs = nowMs;
      this.#count = 0;
    }
    return !over;
  }
}
