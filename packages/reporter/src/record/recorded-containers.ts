/** A source of containers that remembers what it answered, so that a recording can hold it as it was attached. */
import type { ContainerAnswer } from "@conntrail/capture";
import type { ContainerFacts, ContainersHealth } from "@conntrail/model";
import type { ContainerSource } from "@conntrail/stages";

/** Containers whose facts are remembered. Beyond it all are forgotten and told again. */
const MAX_ANSWERS = 8_192;

/** Between the stage and the cache. */
export class RecordedContainers implements ContainerSource {
  readonly #source: ContainerSource;
  readonly #known = new Map<string, ContainerFacts>();
  #changes: ContainerAnswer[] = [];

  constructor(source: ContainerSource) {
    this.#source = source;
  }

  get(id: string): ContainerFacts | undefined {
    const facts = this.#source.get(id);
    // Objects are kept as long as they hold: another one is another answer.
    if (facts !== undefined && this.#known.get(id) !== facts) {
      if (this.#known.size >= MAX_ANSWERS) this.#known.clear();
      this.#known.set(id, facts);
      this.#changes.push({ id, facts });
    }
    return facts;
  }

  health(): ContainersHealth | undefined {
    return this.#source.health();
  }

  /** Answers that are new since the last call. */
  takeChanges(): readonly ContainerAnswer[] {
    const taken = this.#changes;
    this.#changes = [];
    return taken;
  }

  /** Everything answered so far. */
  all(): readonly ContainerAnswer[] {
    return [...this.#known].map(([id, facts]) => ({ id, facts }));
  }
}
