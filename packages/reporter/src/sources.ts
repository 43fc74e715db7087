/**
 * The pipeline's two sources as they run live: each ends at `stop$`, is started anew when it fails, and says so. While the
 * ingest is down its last account is repeated as failed; a scan that does not come makes the table stale (`health`).
 */
import { ingest, type RawChunk } from "@conntrail/ingest";
import type { FlowBatch, IngestHealth, NamespaceWay, ScanHealth, SocketTable } from "@conntrail/model";
import { type BegunEnds, type LookedEnds, type MayBeStill, type ScanRecord, scanSockets } from "@conntrail/scan";
import { isWorkerError } from "@conntrail/thread";
import { defer, map, merge, NEVER, type Observable, Subject, takeUntil, tap } from "rxjs";
import { collectedOf } from "./collected-sockets.ts";
import { HEALTH_COUNTERS } from "./health-counters.ts";
import type { PipelineOptions } from "./options/pipeline-options.ts";
import type { WorkerPart } from "./protocol.ts";
import type { Recorder } from "./record/recorder.ts";
import { restarting } from "./restart.ts";
import { RunningCounters } from "./running-counters.ts";

/** What the sources need beside the options. */
export interface SourceContext {
  readonly stop$: Observable<unknown>;
  /** Asks the ingest to read every event socket empty: a table was read, and the events of its time are wanted. */
  readonly cut$: Subject<void>;
  /** Tells the ingest of namespaces that a scan has found. */
  readonly ways$: Subject<readonly NamespaceWay[]>;
  /** What the trace hears of namespaces; and descriptors of its rings, each time that the ingest is to wait for them to fill, which it tells by `onFilled`. */
  readonly entered$: Observable<ReadonlySet<number> | undefined>;
  readonly wait$: Observable<readonly number[]>;
  readonly onFilled: () => void;
  /** Whether somebody listens to changes. */
  readonly hurry$: Observable<boolean>;
  readonly now: () => number;
  /** Whether nothing was told since it was last asked; and what is called when a look at the sockets agrees. */
  readonly mayBeStill: () => MayBeStill;
  readonly onStill: () => void;
  readonly onRestart: (part: WorkerPart, error: unknown) => void;
  /** Takes everything that comes in, ahead of the pipeline. */
  readonly recorder: Recorder | undefined;
}

/** Batches of changed flows. */
export function flowSource(options: PipelineOptions, context: SourceContext): Observable<FlowBatch> {
  const { stop$, cut$, ways$, entered$, wait$, hurry$, onFilled, now, onRestart, recorder } = context;
  const recording = recorder && { tap: (chunk: RawChunk) => recorder.raw(chunk), dump$: recorder.rotated$ };
  const hooks = { stop$, cut$, ways$, entered$, wait$, hurry$, onReadable: onFilled, ...recording };
  if (!options.conntrack) return NEVER.pipe(takeUntil(stop$));
  const failures$ = new Subject<FlowBatch>();
  let last: FlowBatch | undefined;
  let epoch = 0;
  const counters = new RunningCounters<IngestHealth>(HEALTH_COUNTERS.conntrack);
  const batches$ = defer(() => ingest({ ...ingestOptions(options), epoch: ++epoch }, hooks)).pipe(
    map((batch) => ({ ...batch, health: counters.take(batch.health) })),
    tap((batch) => {
      last = batch;
    }),
  );
  const onFailure = (error: unknown): void => {
    counters.restarted();
    recorder?.restarted();
    onRestart("ingest", error);
    if (last !== undefined) failures$.next(failedBatch(last, now(), error));
  };
  return merge(restarting(batches$, { onFailure, isFinal: isBug, stop$ }), failures$.pipe(takeUntil(stop$)));
}

/** What asks the scan for more than it does by itself. */
export interface ScanRequests {
  /** Each value asks for a table. */
  readonly scan$: Observable<unknown>;
  /** Ends whose holders are looked for at once. */
  readonly ends$: Observable<BegunEnds>;
  /** Takes what was found of them. */
  readonly onLook: (found: LookedEnds) => void;
}

/** Socket tables. */
export function socketSource(
  options: PipelineOptions,
  context: SourceContext,
  { scan$, ends$, onLook }: ScanRequests,
): Observable<SocketTable> {
  const { stop$, cut$, ways$, mayBeStill, onStill, onRestart, recorder } = context;
  let told = 0;
  const tell = ({ ways = [] }: SocketTable): void => {
    // Each time, for an ingest that was started anew knows none; and once more when there are none any more.
    if (ways.length > 0 || told > 0) ways$.next(ways);
    told = ways.length;
    cut$.next();
  };
  if (!options.sockets) return NEVER.pipe(takeUntil(stop$));
  const tables$ = scanSockets({
    root: options.procRoot,
    processes: options.processes,
    commandLines: options.commandLines,
    namespaces: options.namespaces,
    ...collectedOf(options),
    intervalMs: options.scanIntervalMs,
    ...(options.scanCpuShare !== undefined && { cpuBudget: options.scanCpuShare }),
    ...(options.scanThreads !== undefined && { threads: options.scanThreads }),
    trigger$: scan$,
    ends$,
    onLook,
    stop$,
    mayBeStill,
    onStill,
    ...(recorder && { tap: (scan: ScanRecord) => recorder.scan(scan) }),
  });
  const counters = new RunningCounters<ScanHealth>(HEALTH_COUNTERS.sockets);
  const counted$ = tables$.pipe(
    tap(tell),
    map((table) => ({ ...table, health: counters.take(table.health) })),
  );
  return restarting(counted$, {
    onFailure: (error) => {
      counters.restarted();
      onRestart("scan", error);
    },
    isFinal: isBug,
    stop$,
  });
}

function ingestOptions(options: PipelineOptions): Parameters<typeof ingest>[0] {
  const said = {
    namespaces: options.namespaces,
    protocols: options.protocols?.includes("all") ? ("all" as const) : options.protocols,
    multicast: options.multicast,
    loopback: options.loopback,
    receiveBuffer: options.receiveBuffer,
    receiveBufferMax: options.receiveBufferMax,
    reconcileMs: options.reconcileMs,
    capacity: options.maxFlows,
    procRoot: options.procRoot,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** The batch that says so: nothing changed, and nothing is known any more. */
function failedBatch(last: FlowBatch, timeMs: number, error: unknown): FlowBatch {
  const advice = `reading conntrack failed and is started anew: ${error instanceof Error ? error.message : String(error)}`;
  const health = { ...last.health, state: "off", reason: "failed", advice, completeSinceMs: null } as const;
  return { ...last, timeMs, cutMs: null, count: 0, rows: new Uint32Array(0), changes: new Uint8Array(0), health };
}

/** Errors that a new start would only repeat: wrong arguments, and workers that could not even start for our own fault. */
function isBug(error: unknown): boolean {
  const cause = isWorkerError(error) ? error.cause : error;
  return cause instanceof Error && (cause.name === "TypeError" || cause.name === "RangeError");
}
