/** When a pipeline has seen enough for its first report to mean something. */
import type { FlowBatch, SocketTable } from "@conntrail/model";
import { combineLatest, filter, map, type Observable, of, take } from "rxjs";

/** The sources; `undefined` for one that is switched off. */
export interface ReadinessInputs {
  readonly flows$: Observable<FlowBatch> | undefined;
  readonly sockets$: Observable<SocketTable> | undefined;
}

/** Emits once: conntrack's first dump is in, or what prevents it is known, and the sockets were scanned once. */
export function readiness({ flows$, sockets$ }: ReadinessInputs): Observable<void> {
  const flowsKnown$ = flows$?.pipe(filter(({ health }) => health.reason !== "starting")) ?? of(undefined);
  return combineLatest([flowsKnown$, sockets$ ?? of(undefined)]).pipe(
    take(1),
    map(() => undefined),
  );
}
