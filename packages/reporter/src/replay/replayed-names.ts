/** The names of a recording as a source for the pipeline: what the resolver had answered by then, and nothing that it looks up itself. */
import type { HealthRecord, NameAnswer } from "@conntrail/capture";
import type { NamesHealth } from "@conntrail/model";
import type { NameSource } from "@conntrail/stages";

/** Addresses with names, at the most; the oldest go first. */
const MAX_NAMED = 262_144;

const SWITCHED_OFF: NamesHealth = {
  state: "off",
  reason: "switched-off",
  cached: 0,
  pending: 0,
  requests: 0,
  hits: 0,
  lookups: 0,
  failures: 0,
  dropped: 0,
};

/** Names by address. */
export class ReplayedNames implements NameSource {
  readonly #names = new Map<string, readonly string[]>();
  #health: NamesHealth = SWITCHED_OFF;
  #ownPorts: readonly number[] = [];

  /** Takes recorded answers. */
  learn(answers: readonly NameAnswer[]): void {
    for (const { address, names } of answers) {
      const key = keyOf(address, 0);
      this.#names.delete(key);
      if (names.length > 0) this.#names.set(key, names);
      if (this.#names.size > MAX_NAMED) this.#names.delete(this.#names.keys().next().value!);
    }
  }

  /** Takes the resolver's recorded account, and the ports that stand beside it. */
  takeHealth(record: HealthRecord & { readonly part: "names" }): void {
    const { ownPorts, ...health } = record.health as NamesHealth & { readonly ownPorts?: unknown };
    this.#health = health;
    this.#ownPorts = Array.isArray(ownPorts) ? ownPorts.filter((port) => typeof port === "number") : [];
  }

  get(words: Uint32Array, offset: number): readonly string[] | undefined {
    return this.#names.size === 0 ? undefined : this.#names.get(keyOf(words, offset));
  }

  health(): NamesHealth {
    return this.#health;
  }

  ownPorts(): readonly number[] {
    return this.#ownPorts;
  }
}

function keyOf(words: Uint32Array, offset: number): string {
  return `${words[offset]},${words[offset + 1]},${words[offset + 2]},${words[offset + 3]}`;
}
