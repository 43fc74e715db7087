/** When a pipeline has seen enough for its first report to mean something. */
import type { FlowBatch, SocketTable } from "@conntrail/model";
import { awaitCut } from "@conntrail/stages";
import { combineLatest, filter, map, merge, type Observable, of, take } from "rxjs";

/** The sources; `undefined` for one that is switched off. */
export interface ReadinessInputs {
  readonly flows$: Observable<FlowBatch> | undefined;
  readonly sockets$: Observable<SocketTable> | undefined;
}

/** Emits once: conntrack's first dump is in, or what prevents it is known, and the sockets were scanned once, and the events of their time are in. */
export function readiness({ flows$, sockets$ }: ReadinessInputs): Observable<void> {
  const flowsKnown$ = flows$?.pipe(filter(({ health }) => health.reason !== "starting")) ?? of(undefined);
  const tables$ = merge(flows$ ?? of(), sockets$ ?? of()).pipe(
    awaitCut({ conntrack: flows$ !== undefined }),
    filter(({ kind }) => kind === "sockets"),
  );
  return combineLatest([flowsKnown$, sockets$ === undefined ? of(undefined) : tables$]).pipe(
    take(1),
    map(() => undefined),
  );
}
