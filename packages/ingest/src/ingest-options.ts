/** What an ingest can be told, and what it does when it is told nothing. */
import { COUNTED_UDP_PORTS } from "@conntrail/model";
import type { NamespaceChoice } from "@conntrail/procfs";
import { type FlowPolicyOptions, flowPolicy } from "./flow-policy.ts";
import type { FlowTrackerOptions } from "./flow-tracker-options.ts";

/** Options of `ingest`. Bytes are bytes, as the kernel accounts them: an event takes 768 to 1,024 of a receive buffer. */
export interface IngestOptions
  extends FlowPolicyOptions,
    Pick<FlowTrackerOptions, "capacity" | "pendingRows" | "epoch"> {
  /** `all`: every network namespace that may be entered; `own`: only the one the process is in; or a list, by name or inode. Default `all`. */
  readonly namespaces?: NamespaceChoice;
  /** The most namespaces that are watched at once, the own one first. Default 256. */
  readonly maxNamespaces?: number;
  /** The receive buffer of each namespace at the start. The memory is used only while events wait. Default 128 MiB. */
  readonly receiveBuffer?: number;
  /** How far a receive buffer grows when events are lost: it doubles each time. Default 256 MiB, and at least `receiveBuffer`. */
  readonly receiveBufferMax?: number;
  /** Milliseconds between batches while flows change. Default 100. */
  readonly flushMs?: number;
  /** Milliseconds between the dumps that find flows without events; more when a dump takes long. Default 30,000. */
  readonly reconcileMs?: number;
  /** Where /proc is mounted. Default `/proc`. */
  readonly procRoot?: string;
}

/** The options with nothing left open: what the worker is given. */
export type ResolvedIngestOptions = Required<Omit<IngestOptions, "capacity" | "pendingRows" | "epoch">> &
  Pick<IngestOptions, "capacity" | "pendingRows" | "epoch">;

const MIB = 1 << 20;

const DEFAULTS = {
  protocols: ["tcp", "sctp", "udp"],
  multicast: false,
  loopback: true,
  aggregateUdpPorts: COUNTED_UDP_PORTS,
  namespaces: "all",
  maxNamespaces: 256,
  receiveBuffer: 128 * MIB,
  receiveBufferMax: 256 * MIB,
  flushMs: 100,
  reconcileMs: 30_000,
  procRoot: "/proc",
} as const;

/** Fills in the defaults. Throws RangeError for a value that cannot be meant. */
export function resolveIngestOptions(options: IngestOptions = {}): ResolvedIngestOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as IngestOptions;
  const resolved = { ...DEFAULTS, ...given };
  for (const name of ["maxNamespaces", "receiveBuffer", "receiveBufferMax", "flushMs", "reconcileMs"] as const) {
    if (!(resolved[name] > 0)) throw new RangeError(`${name} must be greater than 0, not ${resolved[name]}`);
  }
  flowPolicy(resolved); // throws for an unknown protocol
  return { ...resolved, receiveBufferMax: Math.max(resolved.receiveBuffer, resolved.receiveBufferMax) };
}
