/** What a query must pass before it may leave the host: the two rate limits (F41), and the circuit that spares servers which do not answer. */
import { Circuit, type CircuitOptions } from "./circuit.ts";
import { SlidingWindow } from "./sliding-window.ts";

export interface GateOptions extends CircuitOptions {
  readonly queriesPerSecond: number;
  readonly queriesPerMinute: number;
}

export class QueryGate {
  readonly #circuit: Circuit;
  readonly #perSecond: SlidingWindow;
  readonly #perMinute: SlidingWindow;

  constructor(options: GateOptions) {
    this.#circuit = new Circuit(options);
    this.#perSecond = new SlidingWindow(options.queriesPerSecond, 1_000);
    this.#perMinute = new SlidingWindow(options.queriesPerMinute, 60_000);
  }

  /** True while the servers do not answer and are only probed. */
  get unanswered(): boolean {
    return this.#circuit.open;
  }

  /** How long to wait until a query may be sent while `inFlight` others are; 0: now; Infinity: until one of those has ended. */
  waitMs(nowMs: number, inFlight: number): number {
    return Math.max(
      this.#perSecond.waitMs(nowMs),
      this.#perMinute.waitMs(nowMs),
      this.#circuit.waitMs(nowMs, inFlight),
    );
  }

  sent(nowMs: number): void {
    this.#perSecond.take(nowMs);
    this.#perMinute.take(nowMs);
  }

  timedOut(nowMs: number, probe: boolean): void {
    this.#circuit.timedOut(nowMs, probe);
  }

  answered(): void {
    this.#circuit.answered();
  }
}
