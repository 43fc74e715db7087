/** One capture on its way through the pipeline: what each of its items is, in the order of the file. */
import {
  type CaptureItem,
  type CaptureReader,
  type PacketBatch,
  ScanCollector,
  type SidecarRecord,
} from "@conntrail/capture";
import type {
  FlowBatch,
  HostFacts,
  IngestHealth,
  ReportContent,
  SocketTable,
  Tick,
  TraceBatch,
} from "@conntrail/model";
import { NETLINK_FAMILY } from "@conntrail/netlink";
import { assembleSocketTable } from "@conntrail/scan";
import { Subject } from "rxjs";
import { pipeline } from "../pipeline.ts";
import { notTraced } from "../trace-source.ts";
import { FlowIntake } from "./flow-intake.ts";
import type { InputTap } from "./input-tap.ts";
import { FOREIGN_OPTIONS, hostAfter, type ReplayedOptions, replayedOptions, UNKNOWN_HOST } from "./recorded-facts.ts";
import { RecordingOrder } from "./recording-order.ts";
import { ReplayClock } from "./replay-clock.ts";
import type { ReplaySettings, ReplaySummary } from "./replay-options.ts";
import { ReplayedContainers } from "./replayed-containers.ts";
import { ReplayedNames } from "./replayed-names.ts";

/** Between reports of a capture that has none recorded. */
const DEFAULT_INTERVAL_MS = 1000;

/** Changed flows that may wait; more are handed on before their time. */
const MAX_WAITING = 65_536;

/** Packets between two looks at what waits. */
const PACKETS_PER_LOOK = 1_024;

/** Takes items and collects reports. Nothing in it reads a clock. */
export class ReplaySession {
  /** Reports that were made and not taken yet. */
  readonly reports: ReportContent[] = [];
  readonly #reader: CaptureReader;
  readonly #settings: ReplaySettings;
  readonly #tap: InputTap | undefined;
  readonly #clock: ReplayClock;
  readonly #order: RecordingOrder;
  readonly #scans: ScanCollector;
  readonly #names = new ReplayedNames();
  readonly #containers = new ReplayedContainers();
  readonly #flows$ = new Subject<FlowBatch>();
  readonly #sockets$ = new Subject<SocketTable>();
  readonly #ticks$ = new Subject<Tick>();
  readonly #trace$ = new Subject<TraceBatch>();
  #options: ReplayedOptions = FOREIGN_OPTIONS;
  #host: { readonly facts: HostFacts; readonly timeMs: number } | undefined;
  #intake: FlowIntake | undefined;
  #recordedReports = false;
  /** Of the report that is being made. */
  #tickMs = 0;
  #hidden = false;
  /** As it was recorded with the last report. */
  #wallAheadMs = 0;
  #failure: { readonly error: unknown } | undefined;

  /** `tap` is told of each input before the pipeline is. */
  constructor(reader: CaptureReader, settings: ReplaySettings, tap?: InputTap) {
    this.#reader = reader;
    this.#tap = tap;
    this.#settings = settings;
    this.#clock = new ReplayClock(settings);
    this.#order = new RecordingOrder(reader);
    this.#scans = new ScanCollector(reader);
  }

  /** Something was read. */
  get begun(): boolean {
    return this.#intake !== undefined;
  }

  /** The stretch that was asked for is over. */
  get done(): boolean {
    return this.#clock.done;
  }

  /** Takes an item. Yields moments of the capture: after each report, and with `paced` before each packet, so that whoever drives can wait for them. */
  *take(item: CaptureItem, paced: boolean): Generator<number, void, undefined> {
    if (item.kind === "packets") {
      yield* this.#takePackets(item, paced);
      return;
    }
    this.#order.record(item);
    const wanted = this.#clock.reach(item.timeMs);
    if (item.kind === "host") this.#host ??= { facts: item.host, timeMs: item.timeMs };
    else if (item.kind === "options" && !this.begun) this.#options = replayedOptions(item.options);
    else if (!this.begun) this.#start();
    yield* this.#takeDue();
    if (paced) yield this.#clock.nowMs;
    if (wanted) yield* this.#takeRecord(item);
  }

  /** What was read is all: the last report. */
  finish(): void {
    if (!this.begun) this.#start();
    const { hidden, timeMs } = this.#clock.end();
    if (hidden !== undefined) this.#tick(hidden.timeMs, true);
    this.#flush(timeMs);
    this.#tickMs = timeMs;
    this.#hidden = false;
    for (const input$ of [this.#flows$, this.#sockets$, this.#trace$, this.#ticks$]) input$.complete();
    this.#check();
  }

  /** What the replay has come to. */
  get summary(): ReplaySummary {
    return {
      format: this.#reader.format,
      counts: { ...this.#reader.counts },
      undecodable: this.#intake?.undecodable ?? 0,
      copies: this.#intake?.copies ?? 0,
      badTimes: this.#clock.badTimes,
      brokenScans: this.#scans.abandoned,
    };
  }

  *#takePackets(batch: PacketBatch, paced: boolean): Generator<number, void, undefined> {
    if (!this.begun && batch.count > 0) {
      this.#clock.reach(batch.timesMs[0]!);
      this.#start();
    }
    const intake = this.#intake!;
    for (let i = 0; i < batch.count; i++) {
      this.#order.time(batch.timesMs[i]!);
      const wanted = this.#clock.reach(batch.timesMs[i]!);
      if (this.#clock.isDue) yield* this.#takeDue(); // seldom, and a generator costs more than a packet
      if (paced) yield this.#clock.nowMs;
      if (wanted) intake.take(batch, i);
      if (i % PACKETS_PER_LOOK === 0 && intake.waiting > MAX_WAITING) this.#flush(this.#clock.nowMs);
    }
    this.#scans.take(batch);
  }

  *#takeRecord(record: SidecarRecord): Generator<number, void, undefined> {
    const scan = this.#scans.take(record);
    if (scan !== undefined) this.#takeTable(assembleSocketTable(scan));
    switch (record.kind) {
      case "health":
        if (record.part === "names") this.#names.takeHealth(record);
        else if (record.part === "conntrack") this.#takeBatchEnd(record.timeMs, record.health, record.cutMs);
        break;
      case "names":
        this.#tap?.names(record.answers, record.timeMs);
        this.#names.learn(record.answers);
        break;
      case "containers":
        this.#containers.learn(record);
        break;
      case "sockets":
        this.#takeTable(record.table);
        break;
      case "trace":
        this.#tap?.trace(record.batch);
        this.#trace$.next(record.batch);
        break;
      case "dump":
        if (record.family === NETLINK_FAMILY.netfilter) this.#intake?.takeDump(record);
        break;
      case "loss":
        this.#intake?.takeLoss(record);
        break;
      case "emptied":
        this.#intake?.takeEmptied(record);
        break;
      case "released":
        this.#intake?.release(record.netns);
        break;
      case "tick":
        this.#wallAheadMs = record.wallAheadMs;
        if (this.#clock.takesRecorded(record.timeMs, record.final) && this.#recordedReports) {
          this.#tick(record.timeMs, false);
          yield record.timeMs;
        }
        break;
      case "host":
      case "options":
      case "namespace":
      case "owners":
      case "scan":
      case "proc-net":
        break; // heeded where they belong
    }
    this.#check();
  }

  /** Where a batch ended when it was recorded. */
  #takeBatchEnd(timeMs: number, health: IngestHealth, cutMs: number | null): void {
    this.#intake!.takeHealth(health);
    this.#takeFlows(this.#intake!.flush(timeMs, cutMs));
  }

  #takeFlows(batch: FlowBatch): void {
    this.#tap?.flows(batch);
    this.#flows$.next(batch);
  }

  #takeTable(table: SocketTable): void {
    this.#tap?.sockets(table);
    this.#sockets$.next(table);
  }

  *#takeDue(): Generator<number, void, undefined> {
    for (let due = this.#clock.due(); due !== undefined; due = this.#clock.due()) {
      this.#flush(due.timeMs);
      this.#tick(due.timeMs, due.hidden);
      this.#check();
      yield due.timeMs;
    }
  }

  #flush(timeMs: number): void {
    do this.#takeFlows(this.#intake!.flush(timeMs));
    while (this.#intake!.waiting > 0);
  }

  #tick(timeMs: number, hidden: boolean): void {
    this.#tickMs = timeMs;
    this.#hidden = hidden;
    this.#ticks$.next({ kind: "tick", timeMs, final: false });
  }

  /** What the file is is known: the pipeline begins. */
  #start(): void {
    const own = this.#host !== undefined;
    const { reports, from } = this.#settings;
    const { tracker, conntrack, sockets, maxFlows, guessDirection, collected } = own ? this.#options : FOREIGN_OPTIONS;
    const copies = !own && (this.#reader.format === "pcap" || this.#reader.format === "pcapng");
    this.#intake = new FlowIntake(this.#reader, { own, copies, tracker });
    this.#recordedReports = own && reports === undefined;
    if (typeof reports === "number") this.#clock.every(reports);
    else if (reports === undefined && !own) this.#clock.every(DEFAULT_INTERVAL_MS);
    const inputs = {
      flows$: this.#flows$,
      sockets$: this.#sockets$,
      trace$: this.#trace$,
      ticks$: this.#ticks$,
      now: () => this.#tickMs,
    };
    const config = {
      collected,
      merge: { conntrack, sockets, capacity: maxFlows, portOrder: guessDirection },
      names: this.#names,
      containers: this.#containers,
      host: () => this.#hostNow(),
      wallAheadMs: () => this.#wallAheadMs,
      // The report before the stretch has no number of its own.
      firstSequence: from === undefined ? 1 : 0,
    };
    pipeline(inputs, config).subscribe({
      next: (content) => {
        if (!this.#hidden) this.reports.push(content);
      },
      error: (error: unknown) => {
        this.#failure = { error };
      },
    });
    this.#trace$.next(notTraced(this.#clock.nowMs, "not-recorded"));
    // A live ingest tells of itself before anything else; of others the first record is the beginning.
    if (!own) this.#flush(this.#clock.nowMs);
  }

  #hostNow(): HostFacts {
    const host = this.#host;
    return host === undefined ? UNKNOWN_HOST : hostAfter(host.facts, this.#tickMs - host.timeMs);
  }

  /** Throws what the pipeline failed with: a bug. */
  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
