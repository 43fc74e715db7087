/** What can be set, and what it is otherwise. The limits bind queries that leave the host, repeated ones and probes included. */
import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import { openUdpTransport, type Transport, type TransportEvents } from "./udp-transport.ts";

export interface ResolverOptions {
  /** False: no file is read and nobody is asked. */
  readonly enabled: boolean;
  /** `address`, `address:port` or `[address]:port`, in the order of preference; when absent, those of `resolvConf`. */
  readonly servers: readonly string[] | null;
  readonly hostsFile: string;
  readonly resolvConf: string;
  /** How often the two files are looked at for a change. */
  readonly filePollMs: number;
  /** Addresses in the cache, those without a name included; the least recently used one gives way. */
  readonly cacheSize: number;
  /** A record's own time to live counts between these two. */
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  /** How long an address without a name is remembered at most, and when the server does not say. */
  readonly maxNegativeTtlMs: number;
  /** How long a lookup that failed is not repeated. */
  readonly failureTtlMs: number;
  /** At most so many queries in any second, and in any minute (F41). */
  readonly queriesPerSecond: number;
  readonly queriesPerMinute: number;
  readonly concurrency: number;
  /** Addresses that wait to be asked for or for their answer; more are dropped and counted. */
  readonly backlog: number;
  /** Addresses are gathered this long before the first is asked for. */
  readonly debounceMs: number;
  /** Queries for one address, in turn to the servers. */
  readonly attempts: number;
  readonly attemptTimeoutMs: number;
  /** A lookup has failed this long after its first query, whatever attempts are left. */
  readonly lookupDeadlineMs: number;
  /** Timeouts in a row after which single queries probe the servers, at intervals that double between the two limits. */
  readonly timeoutsToOpen: number;
  readonly probeIntervalMs: number;
  readonly maxProbeIntervalMs: number;
  /** An RxJS scheduler will do. */
  readonly clock: Clock;
  readonly transport: (events: TransportEvents) => Transport;
}

/** Scope's limits (S15) or stricter ones, except for the size of the cache, which was 500. */
const DEFAULTS: ResolverOptions = {
  enabled: true,
  servers: null,
  hostsFile: "/etc/hosts",
  resolvConf: "/etc/resolv.conf",
  filePollMs: 5_000,
  cacheSize: 10_000,
  minTtlMs: 30_000,
  maxTtlMs: 30 * 60_000,
  maxNegativeTtlMs: 10 * 60_000,
  failureTtlMs: 60_000,
  queriesPerSecond: 10,
  queriesPerMinute: 300,
  concurrency: 8,
  backlog: 1_000,
  debounceMs: 50,
  attempts: 2,
  attemptTimeoutMs: 2_000,
  lookupDeadlineMs: 5_000,
  timeoutsToOpen: 5,
  probeIntervalMs: 1_000,
  maxProbeIntervalMs: 60_000,
  clock: systemClock,
  transport: openUdpTransport,
};

/** Fills the gaps. Throws a RangeError when a number is not positive (`debounceMs` may be 0) or a limit of things is not whole. */
export function completeOptions(options: Partial<ResolverOptions>): ResolverOptions {
  const complete = { ...DEFAULTS, ...options };
  for (const [name, value] of Object.entries(complete)) {
    if (typeof value !== "number") continue;
    const whole = name.endsWith("Ms") || Number.isSafeInteger(value);
    if (!whole || !(value > 0 || (value === 0 && name === "debounceMs")) || !Number.isFinite(value))
      throw new RangeError(`createResolver: ${name}: expected a positive number, got ${value}`);
  }
  return complete;
}
