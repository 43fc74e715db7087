/**
 * Numbers that look random and are the same in every run: mulberry32 (Tommy Ettinger, 2017, public domain), started from a seed and labels. Each part of
 * a history has a generator of its own, so that taking one part away leaves all others as they were.
 */

/** A generator that depends on nothing but `seed` and `labels`. */
export class Random {
  #state: number;

  constructor(seed: number, ...labels: readonly number[]) {
    let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
    for (const label of labels) state = Math.imul((state ^ (state >>> 15)) + label, 0xc2b2ae35) ^ (state >>> 13);
    this.#state = state >>> 0;
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    const state = this.#state;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** An integer from 0 up to, but not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** Between `low` and `high`, each order of magnitude as likely as the next. */
  magnitude(low: number, high: number): number {
    return low * (high / low) ** this.next();
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
