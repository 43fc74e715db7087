/** Time as an input. The shape is that of an RxJS scheduler, so a virtual one can stand in. */

export interface Clock {
  /** Milliseconds on a scale of its own that never goes back. */
  now(): number;
  /** Runs `action` once after `delayMs`, unless the result is unsubscribed before. */
  schedule(action: () => void, delayMs: number): { unsubscribe(): void };
}

/** The machine's monotonic clock. Its timers do not keep a process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule: (action, delayMs) => {
    const timer = setTimeout(action, delayMs).unref();
    return { unsubscribe: () => clearTimeout(timer) };
  },
};
