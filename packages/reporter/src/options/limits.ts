/** The numbers among the options: what they may be, and what they are when nothing is said. For `--help` as for the checks. */

/** What a timer of Node can wait, 2^31 - 1 ms, almost 25 days; told more it does not wait at all (timers, `setTimeout`). */
const LONGEST_WAIT_MS = 2_147_483_647;

const MIB = 1 << 20;

/** By option. Durations in milliseconds, sizes in bytes; `intervalMs` may also be 0. */
export const OPTION_LIMITS: Readonly<Record<LimitedOption, OptionLimit>> = {
  /** A report costs more than a scan of an idle host: closer together they would only chase themselves. */
  intervalMs: { least: 50, most: LONGEST_WAIT_MS, preset: 1_000 },
  /** Closer together, scans would find the sockets of the one before. */
  scanIntervalMs: { least: 10, most: LONGEST_WAIT_MS, preset: 1_000 },
  scanCpuShare: { least: 0.001, most: 1, preset: 0.1 },
  /** An event takes 768 to 1,024 bytes of it; the kernel's own limit is 2^30 - 1, as it doubles what it is asked for. */
  receiveBuffer: { least: 4_096, most: 1024 * MIB - 1, preset: 128 * MIB },
  receiveBufferMax: { least: 4_096, most: 1024 * MIB - 1, preset: 256 * MIB },
  reconcileMs: { least: 500, most: LONGEST_WAIT_MS, preset: 30_000 },
  /** Some 400 bytes each, once used, over all threads. */
  maxFlows: { least: 1, most: 2_097_152, preset: 262_144 },
  /** An event takes 112 bytes of it. */
  traceRing: { least: 4_096, most: 1024 * MIB, preset: MIB },
  /** One flow takes 176 bytes of it, one socket some 100. */
  explainBuffer: { least: 0, most: 1024 * MIB, preset: 8 * MIB },
  lookupsPerSecond: { least: 1, most: 1_000, preset: 10 },
  /** No limit is as good as this one. */
  limit: { least: 1, most: 2_147_483_647, preset: 2_147_483_647 },
  nice: { least: 0, most: 19, preset: 5 },
  maxRestarts: { least: 0, most: 10_000, preset: 20 },
};

/** The bounds of an option, both allowed, and its default. */
export interface OptionLimit {
  readonly least: number;
  readonly most: number;
  readonly preset: number;
}

/** The options that have limits. */
export type LimitedOption =
  | "intervalMs"
  | "scanIntervalMs"
  | "scanCpuShare"
  | "receiveBuffer"
  | "receiveBufferMax"
  | "reconcileMs"
  | "maxFlows"
  | "traceRing"
  | "explainBuffer"
  | "lookupsPerSecond"
  | "limit"
  | "nice"
  | "maxRestarts";

/** Threads of the first pass over descriptors: without being told, half of the processors. */
export const SCAN_THREADS: Omit<OptionLimit, "preset"> = { least: 1, most: 64 };

/** Limits of a recording's files. */
export const RECORD_LIMITS: Readonly<Record<"rotateBytes" | "rotateMs", Omit<OptionLimit, "preset">>> = {
  rotateBytes: { least: 65_536, most: Number.MAX_SAFE_INTEGER },
  rotateMs: { least: 1, most: Number.MAX_SAFE_INTEGER },
};
