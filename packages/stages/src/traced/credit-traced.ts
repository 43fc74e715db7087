/**
 * The stage that puts the first rung on the ladder of owners: the process that the kernel saw open, send from or close an end. It has what the trace told
 * up to the snapshot, and everything about it, since the rings are read before each batch of flows (decision D-25).
 */
import type { Owner, Snapshot, TraceBatch, TraceHealth } from "@conntrail/model";
import { defer, ignoreElements, map, merge, type Observable, tap } from "rxjs";
import type { Stage } from "../stage.ts";
import { Credit } from "./credit.ts";
import { FactBook } from "./fact-book.ts";
import type { BoundedSnapshot } from "./row-bounds.ts";

/** Completes each snapshot, in place, by what `trace$` told before it. Ends when both have ended. */
export function creditTraced(trace$: Observable<TraceBatch>): Stage<BoundedSnapshot, Snapshot> {
  return (snapshots$) =>
    defer(() => {
      const book = new FactBook();
      let latest: TraceHealth | undefined;
      const facts$ = trace$.pipe(
        tap((batch) => {
          book.take(batch);
          latest = batch.health;
        }),
        ignoreElements(),
      );
      const credited$ = snapshots$.pipe(
        map(({ bounds, ...snapshot }) => {
          const owners: readonly Owner[] = book.isEmpty ? snapshot.owners : new Credit(book, snapshot, bounds).run();
          return { ...snapshot, owners, health: { ...snapshot.health, trace: latest ?? snapshot.health.trace } };
        }),
      );
      return merge(facts$, credited$);
    });
}
