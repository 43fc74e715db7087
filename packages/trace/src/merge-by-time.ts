/** The records of all rings in the order of their times: each ring has its own in order, nearly, and what happened on one processor may follow from another. */
import type { Ring } from "./perf/ring.ts";

/** Shows every record that the rings hold since their `look()`, the oldest first, and takes it. */
export function mergeByTime(rings: readonly Ring[], visit: (ring: Ring) => void): void {
  const waiting = rings.filter((ring) => ring.next());
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
      more = ring.next();
    }
    if (!more) waiting.splice(first, 1);
  }
}
