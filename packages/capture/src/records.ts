/**
 * What a recording consists of: netlink messages as they came, and beside them, in the order of their arrival, what is
 * not netlink. docs/capture-format.md says how each lies in a file. Times are Unix milliseconds, kept to the microsecond.
 */
import type {
  HostFacts,
  IngestHealth,
  NamesHealth,
  NamespaceFacts,
  Owner,
  ScanHealth,
  SocketTable,
} from "@conntrail/model";

/** One datagram of a netlink socket: one message or several, end to end. */
export interface NetlinkRecord {
  readonly kind: "netlink";
  readonly timeMs: number;
  /** Inode of the network namespace; 0 = unknown. */
  readonly netns: number;
  /** NETLINK_NETFILTER or NETLINK_SOCK_DIAG. */
  readonly family: number;
  /** A request to the kernel. */
  readonly outgoing: boolean;
  /** An event of a multicast group; false: an answer to a request, part of a dump. */
  readonly multicast: boolean;
  /** The messages, headers included. */
  readonly bytes: Uint8Array;
}

/** Who recorded. Stands at the start of every file. */
export interface HostRecord {
  readonly kind: "host";
  readonly timeMs: number;
  readonly host: HostFacts;
}

/** A namespace and what is known about it; replaces what was known before. */
export interface NamespaceRecord {
  readonly kind: "namespace";
  readonly timeMs: number;
  readonly facts: NamespaceFacts;
}

/** A namespace went away, or is no longer watched. */
export interface ReleasedRecord {
  readonly kind: "released";
  readonly timeMs: number;
  readonly netns: number;
}

/** A process and the inodes of the sockets it holds. */
export interface Holder {
  readonly owner: Owner;
  readonly inodes: Uint32Array;
}

/**
 * Processes and the sockets each holds, as a change to what earlier records said: `reset` forgets all of that first,
 * each holder replaces the one with the same pid, the pids in `gone` are forgotten. `applyOwners` does it.
 */
export interface OwnersRecord {
  readonly kind: "owners";
  readonly timeMs: number;
  readonly reset: boolean;
  readonly holders: readonly Holder[];
  readonly gone: readonly number[];
  /** Processes whose descriptors could not be read. */
  readonly unreadable: number;
}

/** What the resolver found out about an address. No names: it has none. */
export interface NameAnswer {
  /** Four words (model's address.ts). */
  readonly address: Uint32Array;
  readonly names: readonly string[];
}

/** Answers of the resolver, when they came. */
export interface NamesRecord {
  readonly kind: "names";
  readonly timeMs: number;
  readonly answers: readonly NameAnswer[];
}

/**
 * Why messages are missing: the kernel dropped them (`overrun`), they did not fit where they were received
 * (`truncated`), the part that receives them was started anew (`restart`), the recorder did not keep up (`recorder`).
 */
export const LOSS_CAUSE = ["overrun", "truncated", "restart", "recorder"] as const;
/** One of LOSS_CAUSE. */
export type LossCause = (typeof LOSS_CAUSE)[number];

/** Messages are missing before this point. */
export interface LossRecord {
  readonly kind: "loss";
  readonly timeMs: number;
  readonly cause: LossCause;
  /** Namespace and netlink family they are missing from; both 0: from any. */
  readonly netns: number;
  readonly family: number;
  /** Since when; equal to `timeMs` when it happened at once. */
  readonly sinceMs: number;
  /** How many, when that is known. */
  readonly count: number | null;
}

/** Begin or end of a dump: the answers between the two, in the same namespace and family, belong to it. */
export interface DumpRecord {
  readonly kind: "dump";
  readonly timeMs: number;
  readonly phase: "begin" | "end";
  readonly netns: number;
  readonly family: number;
  /** What was asked for: AF_INET, AF_INET6, 0 = both; for sock_diag also the protocol, else 0. */
  readonly addressFamily: number;
  readonly protocol: number;
  /** At the end: the table changed meanwhile (NLM_F_DUMP_INTR), entries may be missing. */
  readonly interrupted: boolean;
  /** At the end: the errno it failed with, null when it did not. */
  readonly error: string | null;
}

/** Begin or end of a scan: the sock_diag dumps and owners between the two belong to it. */
export interface ScanRecord {
  readonly kind: "scan";
  readonly timeMs: number;
  readonly phase: "begin" | "end";
  /** At the end: the scan's account of itself. */
  readonly health: ScanHealth | null;
}

/** A finished scan, where the sockets were not read by sock_diag: from /proc, or from a scanner that was injected. */
export interface SocketsRecord {
  readonly kind: "sockets";
  readonly timeMs: number;
  readonly table: SocketTable;
}

/** What a part said of itself. */
export type HealthRecord = { readonly kind: "health"; readonly timeMs: number } & (
  | { readonly part: "conntrack"; readonly health: IngestHealth }
  | { readonly part: "sockets"; readonly health: ScanHealth }
  | { readonly part: "names"; readonly health: NamesHealth }
);

/** A report was made: everything up to `timeMs` went into it. */
export interface TickRecord {
  readonly kind: "tick";
  readonly timeMs: number;
  readonly final: boolean;
}

/** Any value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The options that the recording reporter ran with. */
export interface OptionsRecord {
  readonly kind: "options";
  readonly timeMs: number;
  readonly options: { readonly [name: string]: Json };
}

/** What is not netlink. */
export type SidecarRecord =
  | HostRecord
  | NamespaceRecord
  | ReleasedRecord
  | OwnersRecord
  | NamesRecord
  | LossRecord
  | DumpRecord
  | ScanRecord
  | SocketsRecord
  | HealthRecord
  | TickRecord
  | OptionsRecord;

/** Everything that can stand in a recording. */
export type CaptureRecord = NetlinkRecord | SidecarRecord;

/** Carries out an owners record on the processes known so far, by pid. */
export function applyOwners(holders: Map<number, Holder>, record: OwnersRecord): void {
  if (record.reset) holders.clear();
  for (const pid of record.gone) holders.delete(pid);
  for (const holder of record.holders) holders.set(holder.owner.pid, holder);
}
