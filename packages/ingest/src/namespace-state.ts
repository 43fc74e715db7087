/** What the tracker remembers of one network namespace: how far its flows are known to be complete. */
import { MAX_GENERATION } from "./row-marks.ts";

/** The state of one namespace. */
export interface NamespaceState {
  readonly netns: number;
  /** Number of the dump that is open, or was last. */
  generation: number;
  /** Between `beginDump` and `endDump`. */
  dumping: boolean;
  /** Events were lost while the dump was open: it proves nothing. */
  disturbed: boolean;
  /** A dump was completed at some time. */
  complete: boolean;
  /** Events were lost since the last complete dump. */
  lossy: boolean;
  /** Unix milliseconds since which nothing was lost; undefined until that is known. */
  completeSinceMs: number | undefined;
  /** When the open dump began. */
  dumpStartMs: number;
  /**
   * Whether flows found closed in a dump, of which nobody heard before, are to be told: they closed while this namespace was watched, or
   * before it was found but after watching began. Not so in the first dump of a namespace that was there first (S6).
   */
  tellClosed: boolean;
  /** Found after watching began, and no event was lost since: it takes nothing from the completeness of the rest. */
  late: boolean;
  /** When its event socket was last found empty: the events applied since then happened after it. -Infinity: not known. */
  emptyMs: number;
  /** Rows marked dead or reopened while the dump is open. */
  unsettled: number;
}

/** A namespace of which nothing is known yet. */
export function namespaceState(netns: number): NamespaceState {
  return {
    netns,
    generation: 0,
    dumping: false,
    disturbed: false,
    complete: false,
    lossy: false,
    completeSinceMs: undefined,
    dumpStartMs: 0,
    tellClosed: false,
    late: false,
    emptyMs: Number.NEGATIVE_INFINITY,
    unsettled: 0,
  };
}

/** The next number of a dump; 0 is never one. */
export function nextGeneration(generation: number): number {
  return generation === MAX_GENERATION ? 1 : generation + 1;
}

/** Unix milliseconds since which nothing was lost anywhere: null until every namespace has had a complete dump since its last loss, those found later aside. */
export function completeSince(namespaces: Iterable<NamespaceState>): number | null {
  let since: number | undefined;
  let first: number | undefined;
  for (const { completeSinceMs, late } of namespaces) {
    if (completeSinceMs === undefined && !late) return null;
    if (completeSinceMs === undefined) continue;
    if (late) first = Math.min(first ?? completeSinceMs, completeSinceMs);
    else since = Math.max(since ?? completeSinceMs, completeSinceMs);
  }
  return since ?? first ?? null;
}
