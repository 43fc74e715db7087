/**
 * Perf events speak of the whole machine; who asked for some namespaces alone (`namespaces`) gets the facts of those. For a process elsewhere is no end of a connection as these
 * namespaces have it: a router that looks at itself alone must not take the client behind it for its own.
 */
import { TRACE, TRACE_WORDS, type TraceBatch } from "@conntrail/model";

/** The batch with only those facts whose thread was in one of the namespaces (by inode), or in one that is not known. */
export function chosenFacts(batch: TraceBatch, isChosen: (netns: number) => boolean): TraceBatch {
  const rows = new Uint32Array(batch.count * TRACE_WORDS);
  let count = 0;
  for (let at = 0; at < batch.count * TRACE_WORDS; at += TRACE_WORDS) {
    const where = batch.rows[at + TRACE.netns]!;
    if (where !== 0 && !isChosen(where)) continue;
    rows.set(batch.rows.subarray(at, at + TRACE_WORDS), count++ * TRACE_WORDS);
  }
  return { ...batch, count, rows: rows.subarray(0, count * TRACE_WORDS) };
}
