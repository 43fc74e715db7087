/** Readings of the facts of each namespace, compared with the ones before: what changed is what tells. */
import type { ConntrackFacts } from "./conntrack-facts.ts";

/** For how long a full table is told after the kernel last dropped a connection. */
const FULL_FOR_MS = 10_000;

interface Probed {
  readonly facts: ConntrackFacts;
  readonly fullMs: number;
  /** Connections were opened or are open although nothing is tracked. */
  readonly untracked: boolean;
}

/** The last readings, by namespace. Monotonic milliseconds are arguments. */
export class ConntrackProbes {
  readonly #probed = new Map<number, Probed>();

  /** Takes a reading of a namespace. */
  take(netns: number, facts: ConntrackFacts, nowMs: number): void {
    const before = this.#probed.get(netns);
    const full = before !== undefined && facts.dropped > before.facts.dropped;
    const atLimit = facts.count !== undefined && facts.max !== undefined && facts.max > 0 && facts.count >= facts.max;
    const opened = before !== undefined && facts.opened > before.facts.opened;
    this.#probed.set(netns, {
      facts,
      fullMs: full || atLimit ? nowMs : (before?.fullMs ?? Number.NEGATIVE_INFINITY),
      // A tracked connection stays in the table for some time after its end, so an empty one speaks for both.
      untracked:
        facts.count === 0 && (before === undefined || before.facts.count === 0) && (facts.established > 0 || opened),
    });
  }

  /** Forgets a namespace. */
  forget(netns: number): void {
    this.#probed.delete(netns);
  }

  /** Whether a namespace's events are switched off; undefined: not known. */
  eventsOff(netns: number): boolean | undefined {
    const events = this.#probed.get(netns)?.facts.events;
    return events === undefined ? undefined : events === 0;
  }

  /** All namespaces that have a table have their events switched off. */
  get allEventsOff(): boolean {
    const known = [...this.#probed.values()].filter(({ facts }) => facts.events !== undefined);
    return known.length > 0 && known.every(({ facts }) => facts.events === 0);
  }

  /** Some namespace has connections, and none tracks any. */
  get untracked(): boolean {
    const probed = [...this.#probed.values()];
    return probed.some(({ untracked }) => untracked) && probed.every(({ facts }) => (facts.count ?? 0) === 0);
  }

  /** A namespace has connections, and tracks none. */
  isUntracked(netns: number): boolean {
    return this.#probed.get(netns)?.untracked ?? false;
  }

  /** A table was full lately. */
  tableFull(nowMs: number): boolean {
    return [...this.#probed.values()].some(({ fullMs }) => nowMs - fullMs < FULL_FOR_MS);
  }
}
