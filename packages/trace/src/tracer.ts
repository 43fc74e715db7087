/**
 * The trace: one ring per processor, read by the clock, merged by time, turned into facts. Whoever owns it calls `drain()` when it is due and before
 * anything that the facts should be ahead of. What cannot be had is no error: `health` says what and why.
 */
import type { ProcessNews, TraceBatch, TraceHealth } from "@conntrail/model";
import { isDecodeError } from "@conntrail/netlink";
import { ConnectionFacts } from "./connection-facts.ts";
import { type CpuRings, openCpuRings } from "./cpu-rings.ts";
import { DatagramBudget } from "./datagram-budget.ts";
import { FactRows } from "./fact-rows.ts";
import { HeardProcesses } from "./heard-processes.ts";
import { mergeByTime } from "./merge-by-time.ts";
import { lossObstacle } from "./obstacle.ts";
import type { ResolvedTraceOptions } from "./options.ts";
import { PERF_RECORD } from "./perf/perf-enum.ts";
import type { Ring } from "./perf/ring.ts";
import { ProcessRecord } from "./process-record.ts";
import { BootClock } from "./processes/boot-clock.ts";
import { CgroupNames } from "./processes/cgroup-names.ts";
import { ProcessTable } from "./processes/process-table.ts";
import { TracePace } from "./trace-pace.ts";

/** Between two looks at which processors run, and at what the table should forget. */
const CHORES_MS = 1_000;

/** A loss is told in health for this long. */
const LOSS_TOLD_MS = 10_000;

/** Where a sample's raw data begin. */
const RAW_WORD = 7;

const NEVER = Number.NEGATIVE_INFINITY;

/** Traces from its construction to `close()`. All methods are synchronous. */
export class Tracer {
  readonly #options: ResolvedTraceOptions;
  readonly #rings: CpuRings;
  readonly #record = new ProcessRecord();
  readonly #processes: ProcessTable;
  readonly #groups: CgroupNames;
  readonly #rows: FactRows;
  readonly #facts: ConnectionFacts;
  readonly #pace: TracePace;
  readonly #budget: DatagramBudget;
  #events = 0;
  #lost = 0;
  #undecodable = 0;
  #told = 0;
  #filling = true;
  readonly #heard = new HeardProcesses();
  #choresMs = NEVER;
  #lossMs = NEVER;
  /** What happened before this moment is not believed: a ring was full, and who became who is not known. */
  #blindUntilNs = 0;
  #blindSinceNs = Number.POSITIVE_INFINITY;
  /** When the rings were read last. */
  #readNs = 0;

  constructor(options: ResolvedTraceOptions) {
    this.#options = options;
    const { procRoot, commandLines, nowNs } = options;
    this.#groups = new CgroupNames(procRoot);
    const clock = new BootClock(procRoot, nowNs());
    this.#processes = new ProcessTable(procRoot, clock, this.#groups, commandLines);
    this.#rows = new FactRows((entry) => this.#processes.describe(entry), options.toUnixMs);
    this.#facts = new ConnectionFacts(this.#processes, this.#rows);
    this.#pace = new TracePace(options.ringBytes);
    this.#budget = new DatagramBudget(options.sendersPerSecond);
    this.#rings = openCpuRings(options);
  }

  /** True while there are rings to read. */
  get on(): boolean {
    return this.#rings.on;
  }

  get health(): TraceHealth {
    const lossTold = this.#options.nowNs() / 1e6 - this.#lossMs < LOSS_TOLD_MS;
    const { obstacle: refusal } = this.#rings;
    const obstacle = refusal ?? (lossTold ? lossObstacle(this.#options.ringBytes) : undefined);
    return {
      state: refusal !== undefined ? "off" : lossTold ? "degraded" : "ok",
      reason: obstacle?.reason ?? null,
      advice: obstacle?.advice ?? null,
      events: this.#events,
      lost: this.#lost,
      undecodable: this.#undecodable,
      facts: this.#told,
      cpus: this.#rings.count,
      ringBytes: this.#options.ringBytes,
      processes: this.on ? this.#processes.size : 0,
      senders: this.#rings.senders,
    };
  }

  /** Milliseconds until the rings should be read again, after the last reading. */
  get delayMs(): number {
    return this.#filling ? 1 : this.#pace.delayMs;
  }

  /** Descriptors of the rings: one is readable when its ring is an eighth fuller than when that was last told. Valid until the next `drain()` or `close()`. */
  get fds(): readonly number[] {
    return this.#rings.fds;
  }

  /** Few records come, so that waiting for `fds` is enough. */
  get isRestful(): boolean {
    return !this.#filling && this.#pace.isRestful;
  }

  /** Reads the rings empty, and returns what they told up to now. Throws OpError when /proc cannot be read for want of resources. */
  drain(): TraceBatch {
    const nowNs = this.#options.nowNs();
    const before = this.#events;
    if (this.on) {
      this.#readRings(nowNs);
      if (this.#filling) this.#filling = this.#processes.fill();
      this.#heedBudget(nowNs / 1e6);
      if (nowNs / 1e6 - this.#choresMs >= CHORES_MS) this.#chores(nowNs);
    }
    this.#pace.next(this.#events - before, nowNs / 1e6);
    this.#told += this.#rows.count;
    const blind = this.#takeBlind();
    return { kind: "trace", timeMs: this.#options.toUnixMs(nowNs), blind, ...this.#rows.take(), health: this.health };
  }

  /**
   * Network namespaces, by inode, that a process was born in or has entered since the last call: a namespace begins with one. `undefined` when that is not known: after the
   * start, after a loss, and while nothing is traced.
   */
  takeEntered(): ReadonlySet<number> | undefined {
    return this.#heard.takeEntered(this.on);
  }

  /** The processes that something was heard of since the last call, up to the last `drain()`; `undefined` as above. */
  takeNews(): ProcessNews | undefined {
    return this.#heard.takeNews(this.on);
  }

  /** Closes the events. May be called twice. */
  close(): void {
    this.#rings.close();
  }

  #readRings(nowNs: number): void {
    const { rings } = this.#rings;
    let believedNs = Number.POSITIVE_INFINITY;
    for (const ring of rings) {
      ring.look();
      believedNs = Math.min(believedNs, ring.fullSinceNs());
    }
    mergeByTime(rings, nowNs, (ring) => {
      if (ring.timeNs <= believedNs && ring.timeNs >= this.#blindUntilNs) this.#take(ring);
      else this.#skip(ring);
    });
    for (const ring of rings) {
      if (ring.broken) this.#undecodable++;
      ring.broken = false;
      ring.release();
    }
    if (believedNs !== Number.POSITIVE_INFINITY) this.#goBlind(believedNs, nowNs);
    this.#readNs = nowNs;
  }

  #take(ring: Ring): void {
    const { type, words, at, sizeBytes } = ring;
    this.#events++;
    try {
      if (type === PERF_RECORD.sample) this.#takeSample(words, at, sizeBytes);
      else if (this.#record.read(type, words, at, sizeBytes)) this.#takeProcess(type);
    } catch (error) {
      if (!isDecodeError(error)) throw error;
      this.#undecodable++;
    }
  }

  /** `common_type`, the first half word of the raw data, is the number of the tracepoint. */
  #takeSample(words: Uint32Array, at: number, sizeBytes: number): void {
    const { change, datagrams } = this.#rings.listens!;
    const id = words[at + RAW_WORD]! & 0xffff;
    if (id === change.id) {
      change.read(words, at, sizeBytes);
      this.#facts.take(change);
      return;
    }
    const datagram = datagrams.find((each) => each.id === id);
    if (datagram === undefined) return;
    datagram.read(words, at, sizeBytes);
    this.#budget.spend();
    this.#facts.sends(datagram);
  }

  #takeProcess(type: number): void {
    const record = this.#record;
    this.#heard.take(type, record);
    if (type === PERF_RECORD.fork) this.#processes.fork(record);
    else if (type === PERF_RECORD.exit) this.#processes.exit(record);
    else if (type === PERF_RECORD.comm) this.#processes.rename(record);
    else if (type === PERF_RECORD.namespaces) this.#processes.move(record);
    else if (type === PERF_RECORD.cgroup) this.#groups.add(record.cgroup, record.text);
    else {
      this.#lost += record.lost;
      this.#goBlind(this.#readNs, record.timeNs);
    }
  }

  /** A record that is not believed; how many were lost is believed all the same. */
  #skip({ type, words, at, sizeBytes }: Ring): void {
    if (type !== PERF_RECORD.lost) {
      this.#lost++;
      return;
    }
    try {
      if (this.#record.read(type, words, at, sizeBytes)) this.#lost += this.#record.lost;
    } catch (error) {
      if (!isDecodeError(error)) throw error;
      this.#undecodable++;
    }
  }

  /** What is known of processes and of sockets that connect may be wrong from now on: it is learnt anew. */
  #goBlind(sinceNs: number, untilNs: number): void {
    const nowNs = this.#options.nowNs();
    this.#lossMs = nowNs / 1e6;
    this.#blindSinceNs = Math.min(this.#blindSinceNs, sinceNs);
    this.#blindUntilNs = Math.max(this.#blindUntilNs, untilNs, nowNs);
    this.#processes.forget();
    this.#facts.forget();
    this.#heard.forget();
    this.#filling = true;
  }

  /** Senders of datagrams that come too fast are left alone for a while. */
  #heedBudget(nowMs: number): void {
    if (this.#rings.senders !== "off") this.#rings.setSenders(this.#budget.allows(nowMs));
  }

  /** The stretch of which something may be missing, once. */
  #takeBlind(): TraceBatch["blind"] {
    if (this.#blindSinceNs === Number.POSITIVE_INFINITY) return null;
    const { toUnixMs } = this.#options;
    const blind = { sinceMs: toUnixMs(this.#blindSinceNs), untilMs: toUnixMs(this.#blindUntilNs) };
    this.#blindSinceNs = Number.POSITIVE_INFINITY;
    return blind;
  }

  #chores(nowNs: number): void {
    this.#choresMs = nowNs / 1e6;
    this.#processes.sweep(nowNs);
    // What a processor told before its ring was open is not known.
    if (this.#rings.follow()) this.#heard.forget();
  }
}
