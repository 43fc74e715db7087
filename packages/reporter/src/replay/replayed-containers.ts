/** The containers of a recording as a source for the pipeline: what had been answered by then. */
import type { ContainersRecord } from "@conntrail/capture";
import type { ContainerFacts, ContainersHealth } from "@conntrail/model";
import type { ContainerSource } from "@conntrail/stages";

/** Containers remembered at the most; the oldest go first. */
const MAX_KNOWN = 65_536;

/** Facts by container. */
export class ReplayedContainers implements ContainerSource {
  readonly #known = new Map<string, ContainerFacts>();
  #health: ContainersHealth | undefined;

  /** Takes recorded answers. */
  learn({ answers, health }: ContainersRecord): void {
    this.#health = health;
    for (const { id, facts } of answers) {
      this.#known.delete(id);
      this.#known.set(id, facts);
      if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!);
    }
  }

  get(id: string): ContainerFacts | undefined {
    return this.#known.get(id);
  }

  /** Undefined before the first record: older recordings have none. */
  health(): ContainersHealth | undefined {
    return this.#health;
  }
}
