/** The rings of all processors that run: opened together, and kept in step with processors that come and go. What the kernel refuses is no error but an obstacle. */
import { isOpError, LITTLE_ENDIAN } from "@conntrail/netlink";
import { type CpuRing, openCpuRing } from "./cpu-ring.ts";
import { NO_TRACEPOINT, type Obstacle, obstacleOf } from "./obstacle.ts";
import type { ResolvedTraceOptions } from "./options.ts";
import type { Ring } from "./perf/ring.ts";
import { readFormats, type TraceEvents, traceEvents } from "./trace-events.ts";
import { openTracefs, type Tracefs } from "./tracefs/tracefs.ts";

/** A ring wakes whoever waits for it each time that this part of it was written. */
const WAKE_PART = 8;

/** Opens a ring on every processor. Throws only for what is our own fault. */
export function openCpuRings(options: ResolvedTraceOptions): CpuRings {
  return new CpuRings(options);
}

/** Open from its construction to `close()`, or to the first obstacle. */
export class CpuRings {
  /** What the events are, once they could be opened. */
  listens: TraceEvents | undefined;
  /** Why there is no ring. */
  obstacle: Obstacle | undefined;
  readonly #options: ResolvedTraceOptions;
  readonly #byCpu = new Map<number, CpuRing>();
  /** Whether senders of datagrams are traced now. */
  #sendersOn = true;

  constructor(options: ResolvedTraceOptions) {
    this.#options = options;
    this.#open();
  }

  get on(): boolean {
    return this.#byCpu.size > 0;
  }

  get count(): number {
    return this.#byCpu.size;
  }

  get rings(): readonly Ring[] {
    return [...this.#byCpu.values()].map(({ ring }) => ring);
  }

  /** One descriptor for each ring; see `Tracer.fds`. */
  get fds(): readonly number[] {
    return [...this.#byCpu.values()].map(({ fd }) => fd);
  }

  /** Whether senders of datagrams are traced. */
  get senders(): "on" | "off" | "over-budget" {
    if (!this.on || this.listens!.datagrams.length === 0) return "off";
    return this.#sendersOn ? "on" : "over-budget";
  }

  /** Switches senders of datagrams on or off. Throws OpError. */
  setSenders(on: boolean): void {
    if (on === this.#sendersOn) return;
    this.#sendersOn = on;
    for (const { setFurther } of this.#byCpu.values()) setFurther(on);
  }

  /** Opens rings on processors that have come, and closes those of processors that went. True when one has come. */
  follow(): boolean {
    const cpus = new Set(this.#options.cpus());
    for (const [cpu, { close }] of this.#byCpu) {
      if (cpus.has(cpu)) continue;
      close();
      this.#byCpu.delete(cpu);
    }
    const come = [...cpus].filter((cpu) => !this.#byCpu.has(cpu));
    for (const cpu of come) this.#openRing(cpu);
    if (this.obstacle !== undefined) this.close();
    return come.length > 0;
  }

  /** Closes the events. May be called twice. */
  close(): void {
    for (const { close } of this.#byCpu.values()) close();
    this.#byCpu.clear();
  }

  #open(): void {
    if (!LITTLE_ENDIAN) {
      this.obstacle = { reason: "not-supported", advice: "perf events are not read on big-endian machines" };
      return;
    }
    let tracefs: Tracefs | undefined;
    try {
      tracefs = openTracefs(this.#options.procRoot);
      const formats = readFormats(tracefs);
      if (formats === undefined) {
        this.obstacle = NO_TRACEPOINT;
        return;
      }
      const { sendersPerSecond, ringBytes } = this.#options;
      const wishes = { senders: sendersPerSecond > 0, wakeBytes: ringBytes / WAKE_PART };
      this.#openRings(traceEvents(formats, { ...wishes, cgroups: true }));
      // Linux before 5.7 knows no control groups in events.
      if (this.obstacle?.reason === "not-supported") {
        this.obstacle = undefined;
        this.#openRings(traceEvents(formats, { ...wishes, cgroups: false }));
      }
    } catch (error) {
      this.obstacle = obstacleOf(error);
      if (this.obstacle === undefined) throw error;
      this.close();
    } finally {
      tracefs?.close();
    }
  }

  #openRings(events: TraceEvents): void {
    this.listens = events;
    for (const cpu of this.#options.cpus()) {
      this.#openRing(cpu);
      if (this.obstacle === undefined) continue;
      this.close();
      return;
    }
  }

  #openRing(cpu: number): void {
    try {
      const { first, further } = this.listens!;
      const ring = openCpuRing(cpu, first, further, this.#options.ringBytes);
      this.#byCpu.set(cpu, ring);
      if (!this.#sendersOn) ring.setFurther(false);
    } catch (error) {
      // A processor that went away since it was listed is none.
      if (isOpError(error) && error.errno === "ENODEV") return;
      this.obstacle = obstacleOf(error);
      if (this.obstacle === undefined) throw error;
    }
  }
}
