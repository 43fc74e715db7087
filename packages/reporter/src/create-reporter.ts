/** `createReporter()`: starts the pipeline worker and turns its messages into reports, metrics and sink deliveries. */
import { stat } from "node:fs";
import type { SnapshotHealth, SocketTable } from "@conntrail/model";
import { type Connection, type ConnectionJson, type Report, unpackReport } from "@conntrail/report";
import { type WorkerStream, workerStream } from "@conntrail/thread";
import { defer, type Observable, Subject, type Subscription } from "rxjs";
import type { Change } from "./changes/change.ts";
import { ChangeChannel } from "./changes/change-channel.ts";
import type { Explanation } from "./explain/explanation.ts";
import { findLiving } from "./explain/find-living.ts";
import { ReportChannel } from "./host-channel.ts";
import { OnceLogger, SILENT } from "./logger.ts";
import { metricFaces } from "./metrics/metric-faces.ts";
import { type ReporterMetrics, reporterMetrics } from "./metrics/metrics.ts";
import { OPTION_LIMITS } from "./options/limits.ts";
import { pipelineOptions } from "./options/pipeline-options.ts";
import type { ReporterOptions } from "./options/reporter-options.ts";
import { cannotStart, pipelineFailure } from "./pipeline-failure.ts";
import type { PipelineCommand, PipelineMessage, PipelineStart, ReportMessage, WorkerPart } from "./protocol.ts";
import type { RecordProgress } from "./record/record-options.ts";
import type { Reporter } from "./reporter.ts";
import { type ReporterState, StateKeeper } from "./reporter-state.ts";
import { Requests } from "./requests.ts";
import { restarting } from "./restart.ts";
import { SinkFeeds } from "./sink-feeds.ts";
import { pipelineWorkerFile } from "./worker-file.ts";

/** Time for everything to end: `close()` promises two seconds. */
const CLOSE_DEADLINE_MS = 1500;

/** The same while the pipeline's own threads are being started: longer than it waits for them, for to end them while they load takes the process with it. */
const SOURCES_DEADLINE_MS = 160_000;

/** One of them that failed is started anew, and loads, within this time. */
const ANEW_MS = 60_000;
const SINK_DEADLINE_MS = 400;

/** Numbers that a life of the pipeline has for its connections: more than it can use, and 16,384 lives fit below 2^53. */
const IDS_PER_START = 2 ** 39;

/** Bounds of the pipeline's heap, MiB: its tables lie outside of it. A young generation of Node's own size would triple what an idle thread takes. */
const PIPELINE_HEAP = { maxOldGenerationSizeMb: 1024, maxYoungGenerationSizeMb: 16 } as const;

/** Starts a reporter. Throws an OptionError for an option that does not exist or cannot be meant; all else is told in `health`. */
export function createReporter(options: ReporterOptions = {}): Reporter {
  return new PipelineReporter(options);
}

class PipelineReporter implements Reporter {
  readonly name = "Endpoint";
  readonly ready: Promise<void>;
  readonly #channel = new ReportChannel();
  readonly #changes = new ChangeChannel((want) => this.#worker?.post({ kind: "listen", want }));
  readonly #state = new StateKeeper();
  readonly #requests = new Requests<Report>("report");
  readonly #explains = new Requests<Explanation>("explanation");
  readonly #log: OnceLogger;
  readonly #metrics: ReporterMetrics | undefined;
  readonly #feeds: SinkFeeds;
  readonly #subscriptions: Subscription[] = [];
  readonly #stop$ = new Subject<void>();
  readonly #nice: number;
  readonly #onProgress: ((progress: RecordProgress) => void) | undefined;
  #becomeReady!: () => void;
  #refuseReady!: (reason: Error) => void;
  #failure: Error | undefined;
  #worker: WorkerStream<PipelineCommand, PipelineMessage> | undefined;
  #nextSequence = 1;
  #health: SnapshotHealth | undefined;
  /** Until then the threads that the pipeline starts may be loading: it has not heard its sources, or one of them was started anew. */
  #loadingUntilMs = Number.POSITIVE_INFINITY;
  #hasStarted = false; // at some time: what prevents the next start may pass
  #starts = 0;
  #closing: Promise<void> | undefined;

  constructor(options: ReporterOptions) {
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#refuseReady = reject;
    });
    // Whoever does not wait for it learns of the failure from `reports$` and `report()`.
    this.ready.catch(() => undefined);
    const plain = pipelineOptions(options);
    const file = pipelineWorkerFile();
    const { sinks = [], maxRestarts, signal, scanner } = options;
    this.#log = new OnceLogger(options.logger ?? SILENT);
    this.#nice = options.nice ?? OPTION_LIMITS.nice.preset;
    const sinkNames = sinks.map(({ name }) => name);
    const faces = metricFaces(options);
    this.#metrics = faces.length === 0 ? undefined : reporterMetrics(faces, sinkNames);
    this.#feeds = new SinkFeeds(sinks, (sink, outcome, error) => {
      this.#metrics?.delivery(sink, outcome);
      if (outcome === "failed") this.#log.warn(`sink ${sink}`, { sink, err: error }, "a sink fails");
      else if (outcome === "delivered") this.#log.over(`sink ${sink}`, `the sink ${sink} works again`);
    });
    this.#onProgress = options.record?.onProgress;
    // The pool that reads files for the whole process starts with its first work, as nice as the thread that asks: that must not be the pipeline's.
    stat("/", () => {});
    const start = (): PipelineStart => ({
      options: plain,
      encodings: this.#feeds.encodings,
      firstSequence: this.#nextSequence,
      firstId: this.#starts++ * IDS_PER_START,
      counted: this.#health,
    });
    this.#run(file, start, maxRestarts ?? OPTION_LIMITS.maxRestarts.preset);
    if (scanner !== undefined) this.#feedTables(scanner);
    if (signal !== undefined) this.#obey(signal);
  }

  get reports$(): Observable<Report> {
    return this.#channel.reports$;
  }

  get changes$(): Observable<Change> {
    return this.#changes.changes$;
  }

  changes(): AsyncGenerator<Change, void, undefined> {
    return this.#changes.iterate();
  }

  get state$(): Observable<ReporterState> {
    return this.#state.state$;
  }

  get state(): ReporterState {
    return this.#state.now;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Report, void, undefined> {
    return this.#channel.iterate();
  }

  report(): Promise<Report> {
    if (this.#closing !== undefined) return Promise.reject(new Error("the reporter is closed"));
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return this.#requests.add((request) => this.#worker?.post({ kind: "report", request }));
  }

  async explain(asked: number | Connection | ConnectionJson): Promise<Explanation | undefined> {
    if (this.#closing !== undefined) throw new Error("the reporter is closed");
    if (this.#failure !== undefined) throw this.#failure;
    const found = typeof asked === "number" ? await findLiving(this.changes$, asked) : asked;
    if (found === undefined) return undefined;
    const connection = "toJSON" in found ? found.toJSON() : found;
    return this.#explains.add((request) => this.#worker?.post({ kind: "explain", request, connection }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #obey(signal: AbortSignal): void {
    const close = (): void => void this.close();
    if (signal.aborted) close();
    else signal.addEventListener("abort", close, { once: true });
    this.#subscriptions.push(
      this.state$.subscribe({ complete: () => signal.removeEventListener("abort", close), error: () => {} }),
    );
  }

  #run(file: URL, start: () => PipelineStart, most: number): void {
    const messages$ = defer(() => {
      this.#loadingUntilMs = Number.POSITIVE_INFINITY;
      this.#worker = workerStream<PipelineCommand, PipelineMessage>(file, {
        name: "conntrail-pipeline",
        workerData: start(),
        closeDeadlineMs: () =>
          Math.min(SOURCES_DEADLINE_MS, Math.max(CLOSE_DEADLINE_MS, this.#loadingUntilMs - performance.now())),
        nice: this.#nice,
        resourceLimits: PIPELINE_HEAP,
      });
      this.#explains.refuse(new Error("the pipeline was started anew: what it had kept is gone"));
      for (const request of this.#requests.numbers()) this.#worker.post({ kind: "report", request });
      this.#changes.restarted();
      if (this.#changes.isHeard) this.#worker.post({ kind: "listen", want: "all" });
      return this.#worker.messages$;
    });
    const onFailure = (error: unknown): void => this.#broke("pipeline", error);
    const isFinal = (error: unknown): boolean => !this.#hasStarted && cannotStart(error);
    this.#subscriptions.push(
      restarting(messages$, { onFailure, isFinal, most, stop$: this.#stop$ }).subscribe({
        next: (message) => this.#receive(message),
        error: (error: unknown) => this.#end({ error }),
        complete: () => this.#end({}),
      }),
    );
  }

  #broke(part: WorkerPart, error: unknown): void {
    this.#metrics?.restart(part);
    this.#state.broke();
    this.#log.warn(`part ${part}`, { part, err: error }, `the ${part} failed and is started anew`);
  }

  #feedTables(scanner: Observable<SocketTable>): void {
    this.#subscriptions.push(
      scanner.subscribe({
        next: (table) => this.#worker?.post({ kind: "sockets", table }, [table.rows.buffer as ArrayBuffer]),
        error: (error: unknown) => this.#end({ error }),
      }),
    );
  }

  #receive(message: PipelineMessage): void {
    this.#hasStarted = true;
    switch (message.kind) {
      case "ready":
        this.#loadingUntilMs = 0;
        this.#becomeReady();
        this.#state.heard();
        return;
      case "restart":
        this.#loadingUntilMs = Math.max(this.#loadingUntilMs, performance.now() + ANEW_MS);
        this.#broke(message.part, message.error);
        return;
      case "report":
        this.#receiveReport(message);
        return;
      case "changes":
        this.#worker?.post({ kind: "taken" });
        this.#changes.message(message);
        return;
      case "explained":
        this.#explains.settle(message.request, message.explanation);
        return;
      case "recording":
        this.#receiveProgress(message.progress);
        return;
    }
  }

  #receiveReport({ packed, encoded, buildSeconds, requests }: ReportMessage): void {
    const report = unpackReport(packed);
    this.#nextSequence = packed.sequence + 1;
    this.#health = packed.health;
    this.#state.report(packed.health);
    if (this.state === "ready") {
      for (const part of ["ingest", "scan", "pipeline"]) this.#log.over(`part ${part}`, `the ${part} works again`);
    }
    for (const request of requests) this.#requests.settle(request, report);
    this.#channel.next(report);
    this.#feeds.push(report, encoded);
    this.#metrics?.report({
      health: packed.health,
      host: packed.host,
      connections: report.length,
      endMs: packed.window.endMs,
      buildSeconds,
    });
    this.#metrics?.reportsDropped(this.#channel.dropped);
  }

  #receiveProgress(progress: RecordProgress): void {
    const { failure } = progress;
    if (failure !== null) this.#log.warn("recording", { failure }, "nothing more is recorded");
    this.#onProgress?.(progress);
  }

  #end(end: { readonly error?: unknown }): void {
    // What was asked to end and had to be terminated has ended.
    const isFailure = "error" in end && !this.#state.isEnding;
    const reason = isFailure ? pipelineFailure(end.error) : new Error("the reporter closed");
    this.#requests.refuse(reason);
    this.#explains.refuse(reason);
    if (isFailure) {
      this.#failure ??= reason;
      this.#log.warn("end", { err: reason }, "the reporter has failed for good");
      this.#channel.end({ error: reason });
      this.#changes.end({ error: reason });
      this.#refuseReady(reason);
      this.#metrics?.failed();
    } else {
      if ("error" in end) this.#log.warn("end", { err: end.error }, "the pipeline did not end by itself in time");
      this.#channel.end({});
      this.#changes.end();
      this.#becomeReady();
    }
    this.#state.closed();
  }

  async #close(): Promise<void> {
    this.#state.closing();
    this.#stop$.next();
    await this.#worker?.close();
    await this.#feeds.close(SINK_DEADLINE_MS);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#end({});
    this.#metrics?.close();
  }
}
