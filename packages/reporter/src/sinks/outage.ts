/** What people are told of a place that stops taking reports: once, and once when it takes them again. What lies between is counted. */

/** Knows whether the last attempt worked. */
export interface Outage {
  worked(): void;
  failed(error: unknown): void;
}

/** `what`: begins the sentence, such as `publishing to http://app:4040`. `tell` gets it without an end. */
export function outage(what: string, tell: (message: string) => void): Outage {
  let missed = 0;
  return {
    worked(): void {
      if (missed > 0) tell(`${what} works again; reports not taken meanwhile: ${missed}`);
      missed = 0;
    },
    failed(error: unknown): void {
      missed++;
      if (missed > 1) return;
      const reason = error instanceof Error ? error.message : String(error);
      tell(`${what} fails: ${reason}; it goes on trying, and says so when it works again`);
    },
  };
}
