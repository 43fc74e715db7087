/** What a trace can be told, and what it does when it is told nothing. */
import { onlineCpus } from "./online-cpus.ts";
import { pageBytes } from "./perf/kernel.ts";

/** Options of `openTracer`. */
export interface TraceOptions {
  /** Where /proc is mounted. Default `/proc`. */
  readonly procRoot?: string;
  /** Tell the command lines of processes. Default false: they may hold secrets. */
  readonly commandLines?: boolean;
  /** Bytes of each processor's ring, made a power of two of pages. Default 1 MiB, and less where there are more than 32 processors. */
  readonly ringBytes?: number;
  /** Datagrams a second whose sender may be told; beyond it they are not traced for 30 s. 0: never. Default 20,000. */
  readonly sendersPerSecond?: number;
  /** The processors that run now. Default: those of /sys. */
  readonly cpus?: () => readonly number[];
  /** Nanoseconds of CLOCK_MONOTONIC. */
  readonly nowNs?: () => number;
  /** A moment of that clock as Unix milliseconds. Default: by what the wall clock is ahead of it now. */
  readonly toUnixMs?: (monotonicNs: number) => number;
}

/** The options with nothing left open. */
export type ResolvedTraceOptions = Required<TraceOptions>;

const MIB = 1 << 20;
const ALL_RINGS_BYTES = 32 * MIB;

/** Fills in the defaults. Throws RangeError for a value that cannot be meant. */
export function resolveTraceOptions(options: TraceOptions): ResolvedTraceOptions {
  const {
    cpus = onlineCpus,
    commandLines = false,
    sendersPerSecond = 20_000,
    procRoot = "/proc",
    nowNs = monotonicNs,
    toUnixMs = byWallClock(Date.now(), nowNs()),
  } = options;
  const wanted = options.ringBytes ?? Math.min(MIB, ALL_RINGS_BYTES / Math.max(1, cpus().length));
  if (!(wanted > 0 && wanted <= 1 << 30)) throw new RangeError(`ringBytes: expected 1 to ${1 << 30}, got ${wanted}`);
  const pages = 2 ** Math.ceil(Math.log2(Math.max(1, wanted / pageBytes)));
  return { cpus, commandLines, sendersPerSecond, procRoot, nowNs, toUnixMs, ringBytes: pages * pageBytes };
}

function monotonicNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}

function byWallClock(wallMs: number, atNs: number): (monotonicNs: number) => number {
  return (monotonicNs) => wallMs + (monotonicNs - atNs) / 1e6;
}
