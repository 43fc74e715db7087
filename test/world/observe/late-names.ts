/** Names that come late: an address is asked for, and has its name some time after. */
import type { NamesHealth } from "@conntrail/model";
import type { NameSource } from "@conntrail/stages";
import { ADDRESSES, endOfWords } from "../truth/addresses.ts";
import { LABEL } from "../truth/history.ts";
import { Random } from "../truth/random.ts";

const HEALTH: NamesHealth = {
  state: "ok",
  reason: null,
  cached: 0,
  pending: 0,
  requests: 0,
  hits: 0,
  lookups: 0,
  failures: 0,
  dropped: 0,
};

/** The names of all addresses that have one. */
const NAMES: readonly (readonly string[] | undefined)[] = ADDRESSES.map(({ text }, i) =>
  i % 3 === 0 ? undefined : [nameOf(text)],
);

/** What an address is called. */
export function nameOf(address: string): string {
  return `name-of-${address}`;
}

/** A source of names in virtual time. */
export class LateNames implements NameSource {
  readonly #random: Random;
  readonly #now: () => number;
  readonly #knownMs = new Map<number, number>();

  constructor(seed: number, now: () => number) {
    this.#random = new Random(seed, LABEL.names, 1);
    this.#now = now;
  }

  get(words: Uint32Array, offset: number): readonly string[] | undefined {
    const place = endOfWords(words, offset, 0) >>> 16;
    let knownMs = this.#knownMs.get(place);
    if (knownMs === undefined) {
      knownMs = this.#now() + this.#random.magnitude(0.1, 3_000);
      this.#knownMs.set(place, knownMs);
    }
    return this.#now() < knownMs ? undefined : NAMES[place];
  }

  health(): NamesHealth {
    return HEALTH;
  }
}
