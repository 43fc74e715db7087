/**
 * The trace: one ring per processor, read by the clock, merged by time, turned into facts. Whoever owns it calls `drain()` when it is due and before
 * anything that the facts should be ahead of. What cannot be had is no error: `health` says what and why.
 */
import type { TraceBatch, TraceHealth } from "@conntrail/model";
import { isDecodeError, isOpError, LITTLE_ENDIAN } from "@conntrail/netlink";
import { ConnectionFacts } from "./connection-facts.ts";
import { type CpuRing, openCpuRing } from "./cpu-ring.ts";
import { DatagramBudget } from "./datagram-budget.ts";
import { FactRows } from "./fact-rows.ts";
import { mergeByTime } from "./merge-by-time.ts";
import { lossObstacle, NO_TRACEPOINT, type Obstacle, obstacleOf } from "./obstacle.ts";
import type { ResolvedTraceOptions } from "./options.ts";
import { PERF_RECORD } from "./perf/perf-enum.ts";
import { ProcessRecord } from "./process-record.ts";
import { BootClock } from "./processes/boot-clock.ts";
import { CgroupNames } from "./processes/cgroup-names.ts";
import { ProcessTable } from "./processes/process-table.ts";
import { readFormats, type TraceEvents, traceEvents } from "./trace-events.ts";
import { TracePace } from "./trace-pace.ts";
import { openTracefs, type Tracefs } from "./tracefs/tracefs.ts";

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
  readonly #rings = new Map<number, CpuRing>();
  readonly #record = new ProcessRecord();
  readonly #processes: ProcessTable;
  readonly #groups: CgroupNames;
  readonly #rows: FactRows;
  readonly #facts: ConnectionFacts;
  readonly #pace: TracePace;
  readonly #budget: DatagramBudget;
  #listens: TraceEvents | undefined;
  /** Whether senders of datagrams are traced now. */
  #sendersOn = true;
  #obstacle: Obstacle | undefined;
  #events = 0;
  #lost = 0;
  #undecodable = 0;
  #told = 0;
  #filling = true;
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
    this.#open();
  }

  /** True while there are rings to read. */
  get on(): boolean {
    return this.#rings.size > 0;
  }

  get health(): TraceHealth {
    const lossTold = this.#options.nowNs() / 1e6 - this.#lossMs < LOSS_TOLD_MS;
    const obstacle = this.#obstacle ?? (lossTold ? lossObstacle(this.#options.ringBytes) : undefined);
    return {
      state: this.#obstacle !== undefined ? "off" : lossTold ? "degraded" : "ok",
      reason: obstacle?.reason ?? null,
      advice: obstacle?.advice ?? null,
      events: this.#events,
      lost: this.#lost,
      undecodable: this.#undecodable,
      facts: this.#told,
      cpus: this.#rings.size,
      ringBytes: this.#options.ringBytes,
      processes: this.on ? this.#processes.size : 0,
      senders: !this.on || this.#listens!.datagrams.length === 0 ? "off" : this.#sendersOn ? "on" : "over-budget",
    };
  }

  /** Milliseconds until the rings should be read again, after the last reading. */
  get delayMs(): number {
    return this.#filling ? 1 : this.#pace.delayMs;
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

  /** Closes the events. May be called twice. */
  close(): void {
    for (const { close } of this.#rings.values()) close();
    this.#rings.clear();
  }

  #open(): void {
    if (!LITTLE_ENDIAN) {
      this.#obstacle = { reason: "not-supported", advice: "perf events are not read on big-endian machines" };
      return;
    }
    let tracefs: Tracefs | undefined;
    try {
      tracefs = openTracefs(this.#options.procRoot);
      const formats = readFormats(tracefs);
      if (formats === undefined) {
        this.#obstacle = NO_TRACEPOINT;
        return;
      }
      const senders = this.#options.sendersPerSecond > 0;
      this.#openRings(traceEvents(formats, true, senders));
      // Linux before 5.7 knows no control groups in events.
      if (this.#obstacle?.reason === "not-supported") {
        this.#obstacle = undefined;
        this.#openRings(traceEvents(formats, false, senders));
      }
    } catch (error) {
      this.#obstacle = obstacleOf(error);
      if (this.#obstacle === undefined) throw error;
      this.close();
    } finally {
      tracefs?.close();
    }
  }

  #openRings(events: TraceEvents): void {
    this.#listens = events;
    for (const cpu of this.#options.cpus()) {
      this.#openRing(cpu);
      if (this.#obstacle === undefined) continue;
      this.close();
      return;
    }
  }

  #openRing(cpu: number): void {
    try {
      const { first, further } = this.#listens!;
      const ring = openCpuRing(cpu, first, further, this.#options.ringBytes);
      this.#rings.set(cpu, ring);
      if (!this.#sendersOn) ring.setFurther(false);
    } catch (error) {
      // A processor that went away since it was listed is none.
      if (isOpError(error) && error.errno === "ENODEV") return;
      this.#obstacle = obstacleOf(error);
      if (this.#obstacle === undefined) throw error;
    }
  }

  #readRings(nowNs: number): void {
    const rings = [...this.#rings.values()].map(({ ring }) => ring);
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

  #take(ring: CpuRing["ring"]): void {
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
    const { change, datagrams } = this.#listens!;
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
  #skip({ type, words, at, sizeBytes }: CpuRing["ring"]): void {
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
    this.#filling = true;
  }

  /** Senders of datagrams that come too fast are left alone for a while. */
  #heedBudget(nowMs: number): void {
    if (this.#listens!.datagrams.length === 0) return;
    const allowed = this.#budget.allows(nowMs);
    if (allowed === this.#sendersOn) return;
    this.#sendersOn = allowed;
    for (const { setFurther } of this.#rings.values()) setFurther(allowed);
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
    const cpus = new Set(this.#options.cpus());
    for (const [cpu, { close }] of this.#rings) {
      if (cpus.has(cpu)) continue;
      close();
      this.#rings.delete(cpu);
    }
    for (const cpu of cpus) if (!this.#rings.has(cpu)) this.#openRing(cpu);
    if (this.#obstacle !== undefined) this.close();
  }
}
