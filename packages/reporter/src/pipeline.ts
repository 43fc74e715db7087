/**
 * The picture of docs/ARCHITECTURE.md in code: what comes in, stage by stage, until it is a report. The same function
 * runs in the pipeline worker, in tests with marbles and in replay with virtual time.
 */
import type { FlowBatch, HostFacts, ReportContent, Snapshot, SocketTable, Tick, TraceBatch } from "@conntrail/model";
import {
  attachContainers,
  attachNames,
  awaitCut,
  type ContainerSource,
  creditTraced,
  findChanges,
  type MergeOptions,
  mapNat,
  markStale,
  merge as mergeConnections,
  type NameSource,
  tellTcp,
} from "@conntrail/stages";
import { concat, defer, map, merge, type Observable, type OperatorFunction, of } from "rxjs";
import { ALL_COLLECTED, type Collected, collectedSockets } from "./collected-sockets.ts";
import { keepMatching } from "./keep-matching.ts";
import { showWallTime } from "./show-wall-time.ts";

/** Where a pipeline's inputs come from. Each ends when the pipeline is to end; a last report follows. */
export interface PipelineInputs {
  readonly flows$: Observable<FlowBatch>;
  readonly sockets$: Observable<SocketTable>;
  /** What the trace tells ahead of a batch or tick comes ahead of it here. */
  readonly trace$: Observable<TraceBatch>;
  readonly ticks$: Observable<Tick>;
  /** Unix milliseconds, read once: for the last report. */
  readonly now: () => number;
}

/** What a pipeline needs to know beside its inputs. */
export interface PipelineConfig {
  readonly merge: MergeOptions;
  readonly names: NameSource;
  /** What containers are called. Default: nobody says. */
  readonly containers?: ContainerSource;
  readonly host: () => HostFacts;
  readonly firstSequence: number;
  /** Sockets that are taken in. Default: all. */
  readonly collected?: Collected;
  /** Connections that reports and changes are about, as an expression of `query`. Default: all. */
  readonly filter?: string | undefined;
  /** A socket table older than this makes `health.sockets` stale. Default: none is. */
  readonly maxTableAgeMs?: number;
  /** When a look last found that a new table would be the same. Default: never. */
  readonly tableConfirmedMs?: () => number;
  /** What the wall clock is ahead of the times of the inputs, milliseconds, asked once per report. Default: nothing. */
  readonly wallAheadMs?: () => number;
}

/** One report per tick, and a last one when all inputs have ended. What a tick of `news` gives has the number of the report to come. */
export function pipeline(inputs: PipelineInputs, config: PipelineConfig): Observable<ReportContent> {
  const lastTick$ = defer(() => of<Tick>({ kind: "tick", timeMs: inputs.now(), final: true }));
  const sockets$ = inputs.sockets$.pipe(map((table) => collectedSockets(table, config.collected ?? ALL_COLLECTED)));
  const known$ = concat(merge(inputs.flows$, sockets$, inputs.ticks$), lastTick$).pipe(
    awaitCut({ conntrack: config.merge.conntrack ?? true }),
    tellTcp(mergeConnections(config.merge)),
    creditTraced(inputs.trace$),
    markStale(config.maxTableAgeMs ?? Number.POSITIVE_INFINITY, config.tableConfirmedMs),
    attachContainers(config.containers),
    mapNat(),
    attachNames(config.names),
  );
  return known$.pipe(
    keepMatching(config.filter),
    findChanges(),
    map((snapshot) => showWallTime(snapshot, config.wallAheadMs?.() ?? 0)),
    numbered(config),
  );
}

/** Gives each report its number. */
function numbered({ firstSequence, host }: PipelineConfig): OperatorFunction<Snapshot, ReportContent> {
  return (snapshots$) =>
    defer(() => {
      let sequence = firstSequence;
      let facts: HostFacts | undefined;
      return snapshots$.pipe(
        map((snapshot) => {
          const isReport = snapshot.isReport !== false;
          if (isReport || facts === undefined) facts = host();
          if (!isReport) return { ...snapshot, sequence, host: facts };
          return { ...snapshot, sequence: sequence++, host: facts };
        }),
      );
    });
}
