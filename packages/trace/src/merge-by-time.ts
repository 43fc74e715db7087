/**
 * The records of all rings in the order of their times: each ring has its own in order, nearly, and what happened on one processor may follow from another.
 * Rings are looked at one after another, and whoever reads may have to wait in between: the ring that was looked at last then holds what followed from
 * records that the first one was not yet seen to have. So a reading ends at a moment before the first look.
 */
import type { Ring } from "./perf/ring.ts";

/** A time so far ahead of the reading is none: the record is taken, or it would hold its ring up for ever. */
const AHEAD_NS = 60e9;

/** Shows every record up to `untilNs` that the rings hold since their `look()`, the oldest first, and takes it. Younger ones stay. */
export function mergeByTime(rings: readonly Ring[], untilNs: number, visit: (ring: Ring) => void): void {
  const hasNext = (ring: Ring): boolean => ring.next() && (ring.timeNs <= untilNs || ring.timeNs > untilNs + AHEAD_NS);
  const waiting = rings.filter(hasNext);
  while (waiting.length > 0) {
    let first = 0;
    let otherNs = Number.POSITIVE_INFINITY;
    for (let i = 1; i < waiting.length; i++) {
      const timeNs = waiting[i]!.timeNs;
      if (timeNs < waiting[first]!.timeNs) {
        otherNs = waiting[first]!.timeNs;
        first = i;
      } else if (timeNs < otherNs) otherNs = timeNs;
    }
    const ring = waiting[first]!;
    let more = true;
    // The ring with the oldest record goes on until another one has an older.
    while (more && ring.timeNs <= otherNs) {
      visit(ring);
      ring.take();
      more = hasNext(ring);
    }
    if (!more) waiting.splice(first, 1);
  }
}
