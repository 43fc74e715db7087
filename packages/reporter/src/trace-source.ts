/**
 * The trace as the pipeline worker reads it, in its own thread: the rings are read when they are due, and before anything that the facts should be
 * ahead of, so that no message between threads can overtake another (decision D-25).
 */
import type { ProcessNews, TraceBatch, TraceHealth, TraceReason } from "@conntrail/model";
import { isOpError } from "@conntrail/netlink";
import { ReadableWait } from "@conntrail/netlink/socket";
import { readOwnPid } from "@conntrail/procfs";
import type { LookedEnds } from "@conntrail/scan";
import { steadyMsOf } from "@conntrail/thread/clock";
import { openTracer, type Tracer } from "@conntrail/trace";
import { type Observable, Subject } from "rxjs";
import type { Untold } from "./begun-ends.ts";
import { chosenFacts } from "./chosen-facts.ts";
import { ChosenNamespaces } from "./chosen-namespaces.ts";
import { EnteredNamespaces } from "./entered-namespaces.ts";
import { HEALTH_COUNTERS } from "./health-counters.ts";
import type { PipelineOptions } from "./options/pipeline-options.ts";
import { RunningCounters } from "./running-counters.ts";

/** What is told of the trace when nothing happens, for its health. */
const HEARTBEAT_MS = 1_000;

/** How long the rings are left alone while somebody waits for them to fill. The batches of flows come sooner, at least once a second, and they are read before each. */
const WATCHED_MS = 2_000;

/** After a failure the trace is opened again. */
const RETRY_MS = 10_000;

/** What a trace source needs. */
export interface TraceContext {
  readonly options: Pick<
    PipelineOptions,
    "trace" | "traceRing" | "processes" | "procRoot" | "commandLines" | "namespaces"
  >;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Takes every batch ahead of the pipeline. */
  readonly onBatch: (batch: TraceBatch) => void;
}

/** Opens the trace with the first subscription's need: at once. What the kernel refuses is told in the batches' health. */
export function openTraceSource(context: TraceContext): TraceSource {
  return new TraceSource(context);
}

/** Reads until `end()`. */
export class TraceSource {
  readonly batches$: Observable<TraceBatch>;
  readonly #batches$ = new Subject<TraceBatch>();
  readonly #context: TraceContext;
  /** The namespaces whose facts are taken. */
  readonly #chosen: ChosenNamespaces;
  #tracer: Tracer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;
  #latest: TraceBatch | undefined;
  #ended = false;
  /** Descriptors of the rings, each time that somebody is to wait for one of them to fill: who has been told calls `filled()`. */
  readonly wait$: Observable<readonly number[]>;
  readonly #wait$ = new Subject<readonly number[]>();
  /** Somebody waits who can: the ingest lives, whose thread sleeps in poll(2) anyhow. */
  #canWait = false;
  /** The descriptors that are waited for, as text. */
  #waitsFor = "";
  /** Whoever waited was woken for nothing: until the next reading by the clock nobody waits. */
  #vain = false;
  #latestEvents = 0;
  /** Over tracers that failed. */
  readonly #counters = new RunningCounters<TraceHealth>(HEALTH_COUNTERS.trace);
  readonly namespaces: EnteredNamespaces = new EnteredNamespaces();
  /** The /proc that is scanned numbers processes as the rings do: it is of the same pid namespace. */
  readonly #hasOwnPids: boolean;

  constructor(context: TraceContext) {
    this.#context = context;
    this.#chosen = new ChosenNamespaces(context.options.namespaces, context.options.procRoot);
    this.#hasOwnPids = hasOwnPids(context.options.procRoot);
    this.batches$ = this.#batches$.asObservable();
    this.wait$ = this.#wait$.asObservable();
  }

  /** Opens the events. Everything from now on is traced; the pipeline must listen already. */
  start(): void {
    const { trace, traceRing, procRoot, commandLines } = this.#context.options;
    if (!trace) {
      this.#tell(notTraced(this.#context.now(), "switched-off"));
      return;
    }
    const ring = traceRing === undefined ? {} : { ringBytes: traceRing };
    this.#tracer = openTracer({ procRoot, commandLines, toUnixMs: steadyMsOf, ...ring });
    this.pull();
  }

  /** A batch of flows came: whoever sends them sleeps in poll(2) and can wait for the rings too; or it is gone. */
  ingestLives(lives: boolean): void {
    this.#canWait = lives && isWaitPossible();
    if (!lives) this.#waitsFor = "";
  }

  /** One of the descriptors that `wait$` told is readable. */
  filled(): void {
    this.#waitsFor = "";
    const before = this.#latestEvents;
    this.pull();
    this.#vain = this.#latestEvents === before;
  }

  /** Tells what the rings hold: for whoever is about to hand on what the facts must be ahead of. */
  pull(): void {
    if (this.#tracer === undefined || this.#ended) return;
    try {
      const drained = this.#tracer.drain();
      const all = { ...drained, health: this.#counters.take(drained.health) };
      this.#latestEvents = all.health.events;
      this.namespaces.take(this.#tracer.takeEntered(), all.timeMs);
      const isChosen = (netns: number): boolean => this.#chosen.has(netns, all.timeMs);
      const batch = this.#chosen.areAll || all.count === 0 ? all : chosenFacts(all, isChosen);
      if (batch.count > 0 || batch.blind !== null || batch.timeMs - this.#toldMs >= HEARTBEAT_MS) this.#tell(batch);
      this.#schedule(this.#tracer);
    } catch (error) {
      if (!isOpError(error)) throw error;
      this.#fail(error);
    }
  }

  /** What the rings told of processes up to this moment, for the scan; `undefined` when something may be missing, or when /proc has other numbers for processes than the rings. */
  takeNews(): ProcessNews | undefined {
    this.pull();
    const news = this.#tracer?.takeNews();
    return this.#hasOwnPids ? news : undefined;
  }

  /** Tells who was found with sockets by a look: facts like those of the trace, of a lower rung. */
  found({ rows, count, owners }: LookedEnds): void {
    if (this.#ended || count === 0) return;
    const { health } = this.#latest ?? notTraced(this.#context.now(), "switched-off");
    this.#tell({ kind: "trace", timeMs: this.#context.now(), count, rows, blind: null, owners, health });
  }

  /** Which connections nothing tells of who opened them. */
  get untold(): Untold {
    const { state, senders } = this.#latest?.health ?? { state: "off", senders: "off" };
    return { tcp: state === "off", udp: state === "off" || senders !== "on" };
  }

  /** Tells what is left, closes the events and completes `batches$`. May be called twice. */
  end(): void {
    if (this.#ended) return;
    this.pull();
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#tracer?.close();
    this.#batches$.complete();
  }

  /** The next reading: when the rings fill, where somebody waits for that, or else by the clock. */
  #schedule(tracer: Tracer): void {
    clearTimeout(this.#timer);
    if (!tracer.on || this.#ended) return;
    const rests = this.#canWait && tracer.isRestful && !this.#vain;
    if (rests) this.#wait(tracer.fds);
    this.#timer = setTimeout(() => this.#read(), rests ? WATCHED_MS : tracer.delayMs);
  }

  #read(): void {
    this.#vain = false;
    this.pull();
  }

  #wait(fds: readonly number[]): void {
    if (fds.join() === this.#waitsFor) return;
    this.#waitsFor = fds.join();
    this.#wait$.next(fds);
  }

  #tell(batch: TraceBatch): void {
    this.#toldMs = batch.timeMs;
    this.#latest = batch;
    this.#context.onBatch(batch);
    this.#batches$.next(batch);
  }

  #fail(error: Error): void {
    this.#tracer?.close();
    this.#tracer = undefined;
    const advice = `tracing failed and is started anew: ${error.message}`;
    this.#counters.restarted();
    const nothing = notTraced(this.#context.now(), "failed", advice);
    this.#tell({ ...nothing, health: this.#counters.take(nothing.health) });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), RETRY_MS);
  }
}

function hasOwnPids(procRoot: string): boolean {
  try {
    return readOwnPid(procRoot) === process.pid;
  } catch (error) {
    if (!isOpError(error)) throw error;
    return false;
  }
}

let waitPossible: boolean | undefined;

/** Whether a thread of this program can sleep on descriptors: the ingest's would answer the same. */
function isWaitPossible(): boolean {
  waitPossible ??= ReadableWait.open() !== undefined;
  return waitPossible;
}

/** A batch that says that nothing is traced, and why. */
export function notTraced(timeMs: number, reason: TraceReason, advice: string | null = null): TraceBatch {
  const counts = { events: 0, lost: 0, undecodable: 0, facts: 0, cpus: 0, ringBytes: 0, processes: 0 };
  const health: TraceHealth = { state: "off", reason, advice, ...counts, senders: "off" };
  return { kind: "trace", timeMs, count: 0, rows: new Uint32Array(0), blind: null, owners: [], health };
}
