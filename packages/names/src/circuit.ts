/** Spares servers that do not answer: after some timeouts in a row one query at a time is let through, at growing intervals, until one is answered. */

export interface CircuitOptions {
  readonly timeoutsToOpen: number;
  readonly probeIntervalMs: number;
  readonly maxProbeIntervalMs: number;
}

export class Circuit {
  readonly #options: CircuitOptions;
  #timeouts = 0;
  #nextProbeMs = 0;
  #intervalMs = 0;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  get open(): boolean {
    return this.#timeouts >= this.#options.timeoutsToOpen;
  }

  /** How long to wait until a query may be sent while `inFlight` others are; Infinity: until one of those has ended. */
  waitMs(nowMs: number, inFlight: number): number {
    if (!this.open) return 0;
    return inFlight > 0 ? Number.POSITIVE_INFINITY : Math.max(0, this.#nextProbeMs - nowMs);
  }

  /** A query has timed out. `probe`: it was sent while the circuit was open; those sent before say nothing new when it is. */
  timedOut(nowMs: number, probe: boolean): void {
    const wasOpen = this.open;
    this.#timeouts++;
    if (!this.open || (wasOpen && !probe)) return;
    const { probeIntervalMs, maxProbeIntervalMs } = this.#options;
    this.#intervalMs = Math.min(maxProbeIntervalMs, Math.max(probeIntervalMs, this.#intervalMs * 2));
    this.#nextProbeMs = nowMs + this.#intervalMs;
  }

  answered(): void {
    this.#timeouts = 0;
    this.#intervalMs = 0;
  }
}
