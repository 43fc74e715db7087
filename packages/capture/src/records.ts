/**
 * What a recording consists of: netlink messages as they came, and beside them, in the order of their arrival, what is
 * not netlink. docs/capture-format.md says how each lies in a file. Times are Unix milliseconds, kept to the microsecond.
 */
import type {
  ContainerFacts,
  ContainersHealth,
  HostFacts,
  IngestHealth,
  NameInquiry,
  NamesHealth,
  NamespaceFacts,
  Owner,
  ScanHealth,
  SocketTable,
  TraceBatch,
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

/** Who recorded. */
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

/** The event socket of a namespace was found empty at `timeMs`: the events of it that follow happened later. */
export interface EmptiedRecord {
  readonly kind: "emptied";
  readonly timeMs: number;
  readonly netns: number;
}

/** The processes of a scan and which socket each holds. */
export interface OwnersRecord {
  readonly kind: "owners";
  readonly timeMs: number;
  readonly owners: readonly Owner[];
  /** Three words per socket that has an owner: its inode, 1 + index into `owners`, processes that hold it. */
  readonly holders: Uint32Array;
}

/** What the resolver found out about an address. No names: it has none. */
export interface NameAnswer {
  /** Four words (model's address.ts). */
  readonly address: Uint32Array;
  readonly names: readonly string[];
  /** Of an address without a name: what became of the question for it. Missing: not known (older recordings). */
  readonly inquiry?: NameInquiry;
}

/** Answers of the resolver, when they came. */
export interface NamesRecord {
  readonly kind: "names";
  readonly timeMs: number;
  readonly answers: readonly NameAnswer[];
}

/** What somebody said of a container. */
export interface ContainerAnswer {
  readonly id: string;
  readonly facts: ContainerFacts;
}

/** What was learnt of containers since the record before, and the account of who asks. Ahead of a report. */
export interface ContainersRecord {
  readonly kind: "containers";
  readonly timeMs: number;
  readonly answers: readonly ContainerAnswer[];
  readonly health: ContainersHealth;
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
  /** At the beginning: flows that it finds closed are to be told, although nothing is known of them yet. */
  readonly tellClosed: boolean;
  /** At the end: the table changed meanwhile (NLM_F_DUMP_INTR), entries may be missing. */
  readonly interrupted: boolean;
  /** At the end: the errno it failed with, null when it did not. */
  readonly error: string | null;
}

/** What a scan knows of itself, from which the account in its table follows. Fields of newer versions may stand beside these. */
export interface ScanAccount {
  /** Number of the scan, from 1. */
  readonly scans: number;
  readonly durationMs: number;
  readonly backend: ScanHealth["backend"];
  /** TCP states wanted: a bit `1 << SOCKET_STATE` for each. */
  readonly states: number;
  readonly maxSockets: number;
  readonly ownersWanted: boolean;
  readonly procReadable: boolean;
  /** The mount option of /proc (proc(5)). */
  readonly hidepid: "off" | "noaccess" | "invisible" | "ptraceable";
  readonly processes: number;
  readonly denied: number;
  readonly unreachable: number;
  readonly unreadable: number;
  /** Which process may not be inspected, and why; missing or empty: none. */
  readonly obstacle?: string;
  /** /proc shows only the processes of a pid namespace of its own. */
  readonly ownPids?: boolean;
}

/** Begin or end of a scan: the namespaces, the dumps of sock_diag, the files and the owners between the two belong to it. */
export type ScanMarkRecord = { readonly kind: "scan"; readonly timeMs: number } & (
  | { readonly phase: "begin" }
  | { readonly phase: "end"; readonly account: ScanAccount; readonly cutMs: number | null }
);

/** A file of /proc/net that was read because sock_diag could not be asked. */
export interface ProcNetRecord {
  readonly kind: "proc-net";
  readonly timeMs: number;
  readonly netns: number;
  /** IPPROTO_TCP or IPPROTO_UDP: which file it was. */
  readonly protocol: number;
  /** The text, as it was read. */
  readonly bytes: Uint8Array;
}

/** A finished table, where nothing rawer is to be had: of a scanner that was injected. */
export interface SocketsRecord {
  readonly kind: "sockets";
  readonly timeMs: number;
  readonly table: SocketTable;
}

/** What a part said of itself. */
export type HealthRecord = { readonly kind: "health"; readonly timeMs: number } & (
  | {
      readonly part: "conntrack";
      readonly health: IngestHealth;
      /** The cut of the batch that ends here (FlowBatch.cutMs). */
      readonly cutMs: number | null;
    }
  | { readonly part: "sockets"; readonly health: ScanHealth }
  | { readonly part: "names"; readonly health: NamesHealth }
);

/** A report was made: everything up to `timeMs` went into it. */
export interface TickRecord {
  readonly kind: "tick";
  readonly timeMs: number;
  readonly final: boolean;
  /** What the wall clock was ahead of the recording's: the report's times were moved by so much. */
  readonly wallAheadMs: number;
}

/** What was traced: which processes opened and closed connections, and what the trace said of itself. */
export interface TraceRecord {
  readonly kind: "trace";
  readonly timeMs: number;
  readonly batch: TraceBatch;
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
  | EmptiedRecord
  | OwnersRecord
  | NamesRecord
  | ContainersRecord
  | LossRecord
  | DumpRecord
  | ScanMarkRecord
  | ProcNetRecord
  | SocketsRecord
  | HealthRecord
  | TickRecord
  | OptionsRecord
  | TraceRecord;

/** Everything that can stand in a recording. */
export type CaptureRecord = NetlinkRecord | SidecarRecord;
