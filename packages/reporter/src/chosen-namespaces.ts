/** Whether a namespace is among those that were chosen, asked of inodes alone, as the trace has them: names are looked up where the choice has some, and believed for a while. */
import { statSync } from "node:fs";
import { isChosen, type NamespaceChoice, namespaceName } from "@conntrail/procfs";

/** A name may be given to a namespace that is there already, and an inode may be another namespace's in time. */
const BELIEVED_MS = 1_000;

/** More are forgotten at once: they are few. */
const MOST_KNOWN = 4_096;

interface Known {
  readonly isChosen: boolean;
  readonly untilMs: number;
}

/** One per trace; the own namespace is that of the thread that makes it. */
export class ChosenNamespaces {
  readonly #choice: NamespaceChoice;
  readonly #procRoot: string;
  readonly #own: number;
  readonly #known = new Map<number, Known>();

  constructor(choice: NamespaceChoice, procRoot: string) {
    this.#choice = choice;
    this.#procRoot = procRoot;
    this.#own = statSync("/proc/thread-self/ns/net", { throwIfNoEntry: false })?.ino ?? 0;
  }

  /** Nothing is left out: nobody has to be asked. */
  get areAll(): boolean {
    return this.#choice === "all" || (this.#choice === "own" && this.#own === 0);
  }

  /** Reads /proc now and then. `nowMs`: of a clock that never steps. */
  has(netns: number, nowMs: number): boolean {
    const known = this.#known.get(netns);
    if (known !== undefined && nowMs < known.untilMs) return known.isChosen;
    const chosen = isChosen(this.#choice, this.#own, { netns, name: this.#nameOf(netns) });
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(netns, { isChosen: chosen, untilMs: nowMs + BELIEVED_MS });
    return chosen;
  }

  #nameOf(netns: number): string | undefined {
    const hasNames =
      Array.isArray(this.#choice) && this.#choice.some((each) => typeof each === "string" && each !== "own");
    try {
      return hasNames ? namespaceName(this.#procRoot, netns) : undefined;
    } catch {
      return undefined; // What cannot be read has no name: the scan says why.
    }
  }
}
