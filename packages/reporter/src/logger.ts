/** What a reporter says of itself while it runs, to a logger of the host's; without one it is silent. */

/** The part of a logger that is used: pino's, or any with the same methods. The object comes first, then the sentence. */
export interface Logger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Says nothing. */
export const SILENT: Logger = { info: () => {}, warn: () => {}, error: () => {} };

/** A copy that tells the same sentence about the same thing once, until it was told that all is well again. */
export class OnceLogger {
  readonly #logger: Logger;
  readonly #told = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Warns of `what` unless it was warned of already. */
  warn(what: string, facts: object, message: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#logger.warn(facts, message);
  }

  /** Tells that `what` is over, if it was warned of. */
  over(what: string, message: string): void {
    if (this.#told.delete(what)) this.#logger.info({}, message);
  }
}
