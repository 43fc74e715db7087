/** The pipeline worker: starts the sources, runs the pipeline over them, and sends each report to the host. */
import { performance } from "node:perf_hooks";
import type { NamespaceWay, Owner, ReportContent, SnapshotHealth, SocketTable } from "@conntrail/model";
import { type ContainerNames, createContainerNames, createResolver } from "@conntrail/names";
import { readCpuTime } from "@conntrail/procfs";
import { healthJson, limitRows, packReport } from "@conntrail/report";
import type { LookedEnds } from "@conntrail/scan";
import { runWorker, type WorkerContext } from "@conntrail/thread";
import { steadyMs, wallAheadMs } from "@conntrail/thread/clock";
import { giveWay } from "@conntrail/thread/give-way";
import { BehaviorSubject, filter, ignoreElements, map, merge, Subject, share, takeUntil, tap } from "rxjs";
import { nameAsker } from "./ask-names.ts";
import { BeginningsOf } from "./begun-ends.ts";
import { ChangeTicks } from "./changes/change-ticks.ts";
import { packChanges } from "./changes/pack-changes.ts";
import { collectedOf } from "./collected-sockets.ts";
import { sequenceEncoder } from "./encode.ts";
import { RecentInputs } from "./explain/recent-inputs.ts";
import { giveBackMemory } from "./give-back-memory.ts";
import { HealthCounters } from "./health-counters.ts";
import { hostReader } from "./host-facts.ts";
import { pipeline } from "./pipeline.ts";
import type { PipelineCommand, PipelineMessage, PipelineStart } from "./protocol.ts";
import { readiness } from "./readiness.ts";
import { openRecorder } from "./record/recorder.ts";
import { flowSource, type SourceContext, socketSource } from "./sources.ts";
import { scanTriggers, ticks } from "./ticks.ts";
import { ToldSince } from "./told-since.ts";
import { openTraceSource } from "./trace-source.ts";

type Context = WorkerContext<PipelineCommand, PipelineMessage, PipelineStart>;

/** The table is stale when so many scans in a row did not come, and this much more. */
const SCANS_MISSED = 3;
const SCAN_SLACK_MS = 2000;

runWorker<PipelineCommand, PipelineMessage, PipelineStart>(async ({ workerData, commands$, emit, fail }: Context) => {
  const { options, encodings, firstSequence, firstId, counted } = workerData;
  if (firstId > 0) giveBackMemory(); // there was a pipeline before this one
  const counters = new HealthCounters(counted);
  const stop$ = new Subject<void>();
  const cut$ = new Subject<void>();
  const hurry$ = new BehaviorSubject(false);
  const ways$ = new Subject<readonly NamespaceWay[]>();
  const requests: number[] = [];
  let builtFromMs = 0;
  const tickTime = (): number => {
    builtFromMs = performance.now();
    return steadyMs();
  };
  let aheadMs = 0;
  const readWallAhead = (): number => {
    aheadMs = wallAheadMs(aheadMs);
    return aheadMs;
  };
  const encodeAll = sequenceEncoder(encodings);
  const resolver = createResolver(resolverOptions(options));
  const containers = createContainerNames({
    ...(options.containerApis && { sockets: options.containerApis }),
    nowMs: steadyMs,
  });
  const hostNow = hostReader(options);
  const surroundings = { options, host: hostNow, names: resolver, containers, now: steadyMs, firstSequence };
  const recorder = options.record && (await openRecorder(options.record, surroundings));

  const recent = new RecentInputs(options.explainBuffer);
  let health: SnapshotHealth | undefined;

  const pull$ = commands$.pipe(
    filter((command) => command.kind === "report"),
    tap(({ request }) => requests.push(request)),
  );
  const injected$ = commands$.pipe(
    filter((command) => command.kind === "sockets"),
    map(({ table }) => steadyTable(table, readWallAhead())),
    tap((table) => recorder?.table(table)),
    tap(() => cut$.next()),
    takeUntil(stop$),
  );
  const told = new ToldSince();
  let confirmedMs = Number.NEGATIVE_INFINITY;
  const trace = openTraceSource({
    options,
    now: steadyMs,
    onBatch: (batch) => {
      told.trace(batch);
      // Some containers are gone in a second: who they are is asked when they are first met.
      askAbout(batch.owners, containers);
      recorder?.trace(batch);
      recent.take(batch);
    },
  });
  const context: SourceContext = {
    stop$,
    cut$,
    ways$,
    now: steadyMs,
    recorder,
    entered$: trace.namespaces.entered$,
    wait$: trace.wait$,
    onFilled: () => trace.filled(),
    hurry$,
    mayBeStill: () => {
      const processes = trace.takeNews();
      return { nothingTold: !told.take(), entered: trace.namespaces.takeForScan(), processes };
    },
    onStill: () => {
      confirmedMs = steadyMs();
    },
    onRestart: (part, error) => {
      told.restarted();
      if (part === "ingest") trace.ingestLives(false);
      emit({ kind: "restart", part, error: error instanceof Error ? error.message : String(error) });
    },
  };
  const asker = nameAsker(resolver);
  const looks = new ChangeTicks({
    now: steadyMs,
    cpu: () => readCpuTime(options.procRoot, "thread-self"),
    endsTold: options.intervalMs === 0,
  });
  const heard$ = commands$.pipe(
    tap((command) => {
      if (command.kind === "listen") {
        looks.listen(command.want);
        hurry$.next(command.want === "all");
      } else if (command.kind === "taken") looks.taken();
      else if (command.kind === "explain" && health !== undefined) {
        const { request, connection } = command;
        const clock = { nowMs: steadyMs(), wallAheadMs: aheadMs };
        const explanation = recent.explain(connection, healthJson(health, clock.nowMs + aheadMs), resolver, clock);
        emit({ kind: "explained", request, explanation });
      }
    }),
    ignoreElements(),
    takeUntil(stop$),
  );
  /** What the kernel told before this moment is in the pipeline before what follows. */
  const tracedFirst = (): void => trace.pull();
  const flows$ = flowSource(options, context).pipe(
    tap(tracedFirst),
    tap(() => trace.ingestLives(true)),
    tap((batch) => recorder?.batch(batch)),
    tap((batch) => recent.take(batch)),
    tap((batch) => asker.flows(batch)),
    tap((batch) => told.batch(batch)),
    share(),
  );
  // Where the kernel tells who opens a connection, nobody has to look for it in time.
  const beginnings = new BeginningsOf();
  const ends$ = flows$.pipe(
    map((batch) => beginnings.take(batch, trace.untold)),
    filter((ends) => ends !== undefined),
    takeUntil(stop$),
  );
  const asked = { scan$: scanTriggers(options.intervalMs), ends$, onLook: (found: LookedEnds) => trace.found(found) };
  const sockets$ = (options.scannerInjected ? injected$ : socketSource(options, context, asked)).pipe(
    tap((table) => recent.take(table)),
    tap((table) => asker.sockets(table)),
    tap(({ owners }) => askAbout(owners, containers)),
    share(),
  );
  const inputs = {
    flows$,
    sockets$,
    trace$: trace.batches$,
    ticks$: merge(ticks({ intervalMs: options.intervalMs, pull$, stop$, now: tickTime }), looks.ticks$).pipe(
      tap(tracedFirst),
    ),
    now: () => {
      trace.end();
      return tickTime();
    },
  };
  const config = {
    merge: {
      conntrack: options.conntrack,
      sockets: options.sockets,
      capacity: options.maxFlows,
      firstId,
      portOrder: options.guessDirection,
    },
    names: recorder?.names ?? resolver,
    containers: recorder?.containers ?? containers,
    host: hostNow,
    firstSequence,
    filter: options.filter,
    collected: collectedOf(options),
    wallAheadMs: readWallAhead,
    tableConfirmedMs: () => confirmedMs,
    maxTableAgeMs: SCANS_MISSED * options.scanIntervalMs + SCAN_SLACK_MS,
  };

  const sendChanges = (content: ReportContent): void => {
    const packed = packChanges(content, content.news?.all === true && looks.takeWanted());
    if (packed === undefined) return;
    looks.sent();
    emit(packed.message, packed.transfer);
  };
  const send = (whole: ReportContent): void => {
    health = whole.health;
    sendChanges(whole);
    if (whole.isReport === false) return;
    const limited = options.limit === undefined ? whole : limitRows(whole, options.limit);
    const content = { ...limited, select: options.select };
    if (recorder !== undefined) {
      recorder.report(content, aheadMs);
      emit({ kind: "recording", progress: recorder.progress });
    }
    const encoded = encodeAll(content);
    const { message, transfer } = packReport(content);
    const buildSeconds = (performance.now() - builtFromMs) / 1000;
    const answered = requests.splice(0);
    emit({ kind: "report", packed: message, encoded, buildSeconds, requests: answered }, [
      ...transfer,
      ...encoded.map((bytes) => bytes.buffer as ArrayBuffer),
    ]);
  };

  const ready$ = readiness({
    flows$: options.conntrack ? flows$ : undefined,
    sockets$: options.sockets ? sockets$ : undefined,
  });
  const ended = new Promise<void>((resolve) => {
    const reports$ = pipeline(inputs, config).pipe(
      map((content) => ({ ...content, health: counters.take(content.health) })),
      tap(send),
    );
    const readiness$ = ready$.pipe(
      tap(() => {
        looks.ready();
        emit({ kind: "ready" });
      }),
    );
    const looked$ = merge(flows$, sockets$, trace.batches$).pipe(
      tap(() => looks.input(resolver.health().lookups)),
      ignoreElements(),
    );
    const failed = (error: unknown): void => {
      fail(error);
      resolve();
    };
    merge(reports$, readiness$, heard$, looked$).subscribe({ error: failed, complete: resolve });
    trace.start();
    giveWay();
  });
  return async () => {
    recorder?.ending();
    looks.end();
    stop$.next();
    await ended;
    if (recorder !== undefined) {
      await recorder.close();
      emit({ kind: "recording", progress: recorder.progress });
    }
    containers.close();
    await resolver.close();
  };
});

function askAbout(owners: readonly Owner[], containers: ContainerNames): void {
  for (const { containerId } of owners) if (containerId !== "") containers.get(containerId);
}

function resolverOptions(options: PipelineStart["options"]): Parameters<typeof createResolver>[0] {
  return {
    enabled: options.names,
    ...(options.nameServers && { servers: options.nameServers }),
    ...(options.lookupsPerSecond !== undefined && { queriesPerSecond: options.lookupsPerSecond }),
  };
}

/** A table of an injected scanner, which goes by the wall clock. It waits for the events of its time as every other does. */
function steadyTable(table: SocketTable, aheadMs: number): SocketTable {
  const namespaces = table.namespaces.map((facts) => ({
    ...facts,
    readFromMs: facts.readFromMs - aheadMs,
    readByMs: facts.readByMs - aheadMs,
  }));
  const timeMs = table.timeMs - aheadMs;
  return { ...table, namespaces, timeMs, cutMs: timeMs, startedMs: table.startedMs - aheadMs };
}
