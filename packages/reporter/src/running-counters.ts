/** Counters that run from the start of the reporter: those of a source that was started anew go on where the ones before it ended. */

/** The members of `T` that count: numbers, and objects of numbers. */
type CounterNames<T> = {
  readonly [K in keyof T]: T[K] extends number | null | Readonly<Record<string, number>> ? K : never;
}[keyof T];

/** One per source. */
export class RunningCounters<T extends object> {
  readonly #names: readonly CounterNames<T>[];
  #base: Partial<T>;
  #told: Partial<T> = {};

  /** `names`: the members that count. What else is a number tells how something stands. `base`: what was counted before. */
  constructor(names: readonly CounterNames<T>[], base: Partial<T> = {}) {
    this.#names = names;
    this.#base = base;
  }

  /** The source counts from 0 again. */
  restarted(): void {
    this.#base = this.#told;
  }

  /** An account with what was counted before it. */
  take(account: T): T {
    const told: Partial<T> = {};
    for (const name of this.#names) told[name] = sum(this.#base[name], account[name]) as T[typeof name];
    this.#told = told;
    return { ...account, ...told };
  }
}

function sum(before: unknown, now: unknown): unknown {
  if (typeof now === "number") return typeof before === "number" ? before + now : now;
  if (typeof now !== "object" || now === null) return now;
  const parts = before as Readonly<Record<string, number>> | undefined;
  return Object.fromEntries(
    Object.entries(now).map(([name, value]) => [name, (value as number) + (parts?.[name] ?? 0)]),
  );
}
