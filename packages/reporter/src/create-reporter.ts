/** `createReporter()`: starts the pipeline worker and turns its messages into reports, metrics and sink deliveries. */
import type { SocketTable } from "@conntrail/model";
import { type Report, unpackReport } from "@conntrail/report";
import { isWorkerError, type WorkerStream, workerStream } from "@conntrail/thread";
import { defer, type Observable, Subject, type Subscription } from "rxjs";
import { ReportChannel } from "./host-channel.ts";
import { type ReporterMetrics, registerMetrics } from "./metrics.ts";
import { pipelineOptions } from "./options/pipeline-options.ts";
import type { ReporterOptions } from "./options/reporter-options.ts";
import { pipelineFailure } from "./pipeline-failure.ts";
import type { PipelineCommand, PipelineMessage, PipelineStart, ReportMessage } from "./protocol.ts";
import type { RecordProgress } from "./record/record-options.ts";
import { restarting } from "./restart.ts";
import { feedSink, type SinkFeed } from "./sinks/feed.ts";
import type { Sink, SinkEncoding } from "./sinks/sink.ts";
import { pipelineWorkerFile } from "./worker-file.ts";

/** A running reporter. It keeps the process alive until it is closed. */
export interface Reporter extends AsyncIterable<Report>, AsyncDisposable {
  /** The name Scope gave to it. */
  readonly name: "Endpoint";
  /**
   * Every report, from the time of subscription on; shared by all subscribers. Completes after `close()`; errors only when
   * the pipeline cannot be started at all. A slow subscriber holds the host thread up: hand work on.
   */
  readonly reports$: Observable<Report>;
  /**
   * Resolves when every source has been heard once: conntrack's first dump is in, or what prevents it is known, and the sockets
   * were scanned. Earlier reports say `starting`. Also resolves when the reporter is closed before; rejects when the pipeline
   * cannot be started at all.
   */
  readonly ready: Promise<void>;
  /** A report now. It is also the next one on `reports$`: a closed connection is in exactly one report of the sequence. */
  report(): Promise<Report>;
  /** Sends a last report, ends all threads, sockets and timers, and completes `reports$`. Idempotent; takes two seconds at the most. */
  close(): Promise<void>;
}

/** Time for a pulled report, and for everything to end: `close()` promises two seconds. */
const REPORT_DEADLINE_MS = 10_000;
const CLOSE_DEADLINE_MS = 1500;
const SINK_DEADLINE_MS = 400;

/** Starts a reporter. Throws an OptionError for an option that does not exist or cannot be meant; all else is told in `health`. */
export function createReporter(options: ReporterOptions = {}): Reporter {
  return new PipelineReporter(options);
}

interface PendingReport {
  resolve(report: Report): void;
  reject(error: unknown): void;
  readonly timer: NodeJS.Timeout;
}

class PipelineReporter implements Reporter {
  readonly name = "Endpoint";
  readonly #channel = new ReportChannel();
  readonly #metrics: ReporterMetrics | undefined;
  readonly #encodings: SinkEncoding[] = [];
  readonly #feeds: { readonly feed: SinkFeed; readonly encoding: number }[] = [];
  readonly #pending = new Map<number, PendingReport>();
  readonly #subscriptions: Subscription[] = [];
  readonly #stop$ = new Subject<void>();
  readonly ready: Promise<void>;
  #becomeReady!: () => void;
  #refuseReady!: (reason: Error) => void;
  #failure: Error | undefined;
  readonly #onProgress: ((progress: RecordProgress) => void) | undefined;
  #worker: WorkerStream<PipelineCommand, PipelineMessage> | undefined;
  #nextRequest = 1;
  #nextSequence = 1;
  #closing: Promise<void> | undefined;

  constructor(options: ReporterOptions) {
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#refuseReady = reject;
    });
    // Whoever does not wait for it learns of the failure from `reports$` and `report()`.
    this.ready.catch(() => undefined);
    const plain = pipelineOptions(options);
    this.#metrics =
      options.metrics &&
      registerMetrics(
        options.metrics,
        options.metricsPrefix ?? "conntrail_",
        (options.sinks ?? []).map(({ name }) => name),
      );
    for (const sink of options.sinks ?? []) this.#addSink(sink);
    this.#onProgress = options.record?.onProgress;
    const file = pipelineWorkerFile();
    this.#run(file, () => ({ options: plain, encodings: this.#encodings, firstSequence: this.#nextSequence }));
    if (options.scanner !== undefined) this.#feedTables(options.scanner);
  }

  get reports$(): Observable<Report> {
    return this.#channel.reports$;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Report, void, undefined> {
    return this.#channel.iterate();
  }

  report(): Promise<Report> {
    if (this.#closing !== undefined) return Promise.reject(new Error("the reporter is closed"));
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const request = this.#nextRequest++;
      const late = (): void => this.#settle(request, new Error(`no report within ${REPORT_DEADLINE_MS} ms`));
      this.#pending.set(request, { resolve, reject, timer: setTimeout(late, REPORT_DEADLINE_MS) });
      this.#worker?.post({ kind: "report", request });
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #addSink(sink: Sink): void {
    const feed = feedSink(sink, (outcome) => this.#metrics?.delivery(sink.name, outcome));
    this.#feeds.push({ feed, encoding: sink.encoding === null ? -1 : this.#encodingIndex(sink.encoding) });
  }

  #encodingIndex(wanted: SinkEncoding): number {
    const known = this.#encodings.findIndex((have) => have.format === wanted.format && have.gzip === wanted.gzip);
    return known >= 0 ? known : this.#encodings.push(wanted) - 1;
  }

  #run(file: URL, start: () => PipelineStart): void {
    const messages$ = defer(() => {
      const options = { name: "conntrail-pipeline", workerData: start(), closeDeadlineMs: CLOSE_DEADLINE_MS };
      this.#worker = workerStream<PipelineCommand, PipelineMessage>(file, options);
      for (const request of this.#pending.keys()) this.#worker.post({ kind: "report", request });
      return this.#worker.messages$;
    });
    const onFailure = (): void => this.#metrics?.restart("pipeline");
    this.#subscriptions.push(
      restarting(messages$, { onFailure, isFinal: cannotStart, stop$: this.#stop$ }).subscribe({
        next: (message) => this.#receive(message),
        error: (error: unknown) => this.#end({ error }),
        complete: () => this.#end({}),
      }),
    );
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
    switch (message.kind) {
      case "ready":
        this.#becomeReady();
        return;
      case "restart":
        this.#metrics?.restart(message.part);
        return;
      case "report":
        this.#receiveReport(message);
        return;
      case "recording":
        this.#onProgress?.(message.progress);
        return;
    }
  }

  #receiveReport({ packed, encoded, buildSeconds, requests }: ReportMessage): void {
    const report = unpackReport(packed);
    this.#nextSequence = packed.sequence + 1;
    for (const request of requests) this.#settle(request, report);
    this.#channel.next(report);
    for (const { feed, encoding } of this.#feeds) feed.push({ report, bytes: encoded[encoding] });
    this.#metrics?.report({
      health: packed.health,
      host: packed.host,
      connections: report.length,
      endMs: packed.window.endMs,
      buildSeconds,
    });
    this.#metrics?.reportsDropped(this.#channel.dropped);
  }

  #settle(request: number, outcome: Report | Error): void {
    const pending = this.#pending.get(request);
    if (pending === undefined) return;
    this.#pending.delete(request);
    clearTimeout(pending.timer);
    if (outcome instanceof Error) pending.reject(outcome);
    else pending.resolve(outcome);
  }

  #end(end: { readonly error?: unknown }): void {
    const reason = "error" in end ? pipelineFailure(end.error) : new Error("the reporter closed");
    for (const request of this.#pending.keys()) this.#settle(request, reason);
    this.#channel.end(end);
    if ("error" in end) {
      this.#failure ??= reason;
      this.#refuseReady(reason);
    } else this.#becomeReady();
  }

  async #close(): Promise<void> {
    this.#stop$.next();
    await this.#worker?.close();
    await Promise.all(this.#feeds.map(({ feed }) => feed.close(SINK_DEADLINE_MS)));
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#end({});
    this.#metrics?.close();
  }
}

/** A worker that never became ready would not the next time either. */
function cannotStart(error: unknown): boolean {
  return isWorkerError(error) && error.beforeReady;
}
