/**
 * The shape of `conntrail.report/1`: what `Report` and `Connection` hand to `JSON.stringify`, and what `encodeJson` writes.
 * The members of the contract come first and are always there; further facts stand behind them and are optional
 * where the comment says so. Times are ISO 8601 in UTC with milliseconds.
 */
import type {
  Confidence,
  ConnectionState,
  ConntrackReason,
  ContainerRuntime,
  ContainersHealth,
  Evidence,
  HealthState,
  NamesReason,
  NatKind,
  OwnerEvidence,
  OwnerReason,
  ScanHealth,
  SocketsReason,
  TraceHealth,
} from "@conntrail/model";
import type { Elided } from "./elision.ts";
import type { ExactJson } from "./exact-json.ts";

/** The value of `schema`. */
export const REPORT_SCHEMA = "conntrail.report/1";

/** A report. */
export interface ReportJson {
  readonly schema: typeof REPORT_SCHEMA;
  readonly sequence: number;
  readonly host: HostJson;
  readonly window: WindowJson;
  readonly health: HealthJson;
  readonly connections: readonly ConnectionJson[];
  /** The processes that `connections` speak of, each once; joined by `pid` and `startTicks`. */
  readonly processes: readonly ProcessJson[];
  /** Only when a limit cut `connections` short: exactly how much. */
  readonly elided?: Elided;
}

/** The host. The last three are Scope's facts. */
export interface HostJson {
  readonly id: string;
  readonly name: string;
  readonly kernelVersion: string;
  readonly uptimeSeconds: number;
  readonly localNetworks: readonly string[];
}

/** The stretch of time that a report speaks of. */
export interface WindowJson {
  readonly start: string | null;
  readonly end: string | null;
}

/** One connection, or several of one client to one service (`count`). */
export interface ConnectionJson {
  /** Lower case, or the number as text. */
  readonly protocol: string;
  readonly family: "ipv4" | "ipv6";
  /** Inode of the network namespace that reported it; null when unknown. */
  readonly netns: number | null;
  /** The name under which that namespace is mounted (`ip netns`). Absent when it has none, or none is known. */
  readonly netnsName?: string;
  /** The side that opened it, by its real address (before source NAT). */
  readonly from: EndJson;
  /** The other side, by its real address (after destination NAT). */
  readonly to: EndJson;
  readonly direction: DirectionJson;
  readonly sources: readonly ("conntrack" | "sockets")[];
  readonly state: ConnectionState;
  readonly count: number;
  readonly nat: NatJson | null;
  readonly firstSeen: string | null;
  readonly lastSeen: string | null;
  /** Tells it from every other connection of this reporter's life: the same in each report and change that speaks of it. */
  readonly id: number;
  /** The process at one of its ends that passes it on: a transparent proxy, which takes what is meant for another address and connects there itself. Absent without one. */
  readonly via?: ViaJson;
  /** The connection that announced it to a helper of conntrack (FTP's control connection for its data). Absent without one, and where conntrack does not say. */
  readonly master?: MasterJson;
  /** What carries other packets: `vxlan`, `geneve`, `gtp-u`, `gre`, `ipip`, `6in4`, `esp`. Absent for what is no tunnel. */
  readonly tunnel?: string;
  /** Conntrack zone; absent when 0. */
  readonly zone?: number;
  /** Conntrack mark; absent when 0. */
  readonly mark?: number;
  /** Absent unless the kernel counts (nf_conntrack_acct). */
  readonly counters?: CountersJson;
  /** What the socket at one end says; absent unless it is TCP, an end is on this host and its socket was read. */
  readonly tcp?: TcpJson;
  /** Absent when there is none. */
  readonly flags?: readonly ConnectionFlag[];
}

/** What an end tells of its process beside pid and name. */
export interface EndProcessJson {
  /** Start of the process in clock ticks after boot: with `pid`, its identity. Absent without a process. */
  readonly startTicks?: number;
  /** 64 hexadecimal digits. Absent unless the process is in a container. */
  readonly containerId?: string;
  /** What the container is called and what it was made from, as Docker or Podman tells. Absent when nobody told. */
  readonly containerName?: string;
  readonly image?: string;
  /** The Kubernetes pod: `namespace/name` where its labels are known, else its uid. Absent unless it is in one. */
  readonly pod?: string;
  /** The systemd unit. Absent when the control group names none. */
  readonly unit?: string;
  /** The user that it runs as. Absent when not known. */
  readonly user?: string;
}

/** One end of a connection. For ICMP, `port` is the id at the `from` end and type · 256 + code at the `to` end. */
export interface EndJson extends EndProcessJson {
  readonly address: string;
  /** 0 at the `from` end of aggregated connections. */
  readonly port: number;
  readonly local: boolean;
  readonly pid: number | null;
  readonly process: string | null;
  readonly names: readonly string[];
  /** Why there is no process; `listener`: there is one, known only from the port it listens on. */
  readonly ownerReason: Exclude<OwnerReason, "known"> | null;
  /** What the process is known from: the kernel saw it open, send or close; it holds the socket; it listens on the port. Null without one. */
  readonly ownerEvidence: OwnerEvidence | null;
  /** The interface that its socket is bound to (a link-local address, SO_BINDTODEVICE, a VRF). Absent when it is bound to none, or only a device would tell which socket it is. */
  readonly device?: string;
}

/** Which side opened it, and how far that can be trusted. */
export interface DirectionJson {
  readonly evidence: Evidence;
  readonly confidence: Confidence;
}

/** What the kernel rewrote, and what each side saw instead. */
export interface NatJson {
  readonly kind: Exclude<NatKind, "none">;
  readonly visible: {
    /** The opener as the server sees it. */
    readonly from: AddressPortJson;
    /** The server as the opener sees it. */
    readonly to: AddressPortJson;
  };
}

/** A process between two legs of a connection: `pid` and `startTicks` say which. */
export interface ViaJson {
  readonly pid: number;
  readonly startTicks: number;
  readonly process: string;
}

/** A connection that announced another: who opened it, and whom that called. `id` is that of its row; null when it is in no report. */
export interface MasterJson {
  readonly id: number | null;
  readonly protocol: string;
  readonly from: AddressPortJson;
  readonly to: AddressPortJson;
}

/** An address with its port. */
export interface AddressPortJson {
  readonly address: string;
  readonly port: number;
}

/** Packets and bytes so far: `original` from the opener, `reply` from the server. */
export interface CountersJson {
  readonly original: { readonly packets: number; readonly bytes: number };
  readonly reply: { readonly packets: number; readonly bytes: number };
  /** All four as decimal digits, where one is beyond 2^53: the numbers are the nearest that a double holds. */
  readonly exact?: ExactJson;
}

/** TCP_INFO of the socket at one end, as it was last seen. */
export interface TcpJson {
  /** Payload from the opener that was acknowledged, and from the server. Null before Linux 4.2. */
  readonly originalBytes: number | null;
  readonly replyBytes: number | null;
  /** Smoothed round-trip time as that end measures it, microseconds. */
  readonly rttMicros: number;
  /** Segments that that end sent again. */
  readonly retransmits: number;
  /** Whose socket it was. */
  readonly end: "from" | "to";
  readonly measuredAt: string | null;
}

/** What else is known of a connection; the words of the model's CONNECTION_FLAG. */
export type ConnectionFlag =
  | "transit"
  | "aggregated"
  | "offloaded"
  | "expected"
  | "stale"
  | "endUnseen"
  | "selfTraffic";

/** A process. */
export interface ProcessJson {
  readonly pid: number;
  readonly startTicks: number;
  readonly ppid: number;
  readonly process: string;
  readonly cmdline: string;
  /** Null when it cannot be read. */
  readonly cgroup: string | null;
  readonly containerId: string | null;
  // The rest is absent when it is not known.
  readonly uid?: number;
  readonly user?: string;
  /** systemd's. */
  readonly unit?: string;
  readonly slice?: string;
  /** Who runs the container. */
  readonly runtime?: ContainerRuntime;
  readonly podUid?: string;
  readonly containerName?: string;
  readonly image?: string;
  readonly podName?: string;
  readonly podNamespace?: string;
  /** What the container is called within its pod. */
  readonly podContainer?: string;
  readonly composeProject?: string;
  readonly composeService?: string;
}

/** The state of each part. Counters run from the start of the reporter. */
export interface HealthJson {
  readonly conntrack: ConntrackHealthJson;
  readonly sockets: SocketsHealthJson;
  readonly names: NamesHealthJson;
  readonly merge: { readonly aggregated: number; readonly dropped: number };
  /** Perf events: the processes of short connections. */
  readonly trace: TraceHealth;
  /** What containers are called. Absent while none was met. */
  readonly containers?: ContainersHealth;
}

/** The event stream and the flow table. */
export interface ConntrackHealthJson {
  readonly state: HealthState;
  readonly reason: ConntrackReason | null;
  /** No event was lost since; null before the first complete dump. */
  readonly completeSince: string | null;
  /** Events of every type. */
  readonly events: number;
  /** Dropped by the kernel; null when it cannot be had. */
  readonly lost: number | null;
  readonly overruns: number;
  readonly resyncs: number;
  readonly flows: number;
  /** One sentence with what would help; null when all is well. */
  readonly advice: string | null;
  readonly eventsByType: { readonly new: number; readonly update: number; readonly destroy: number };
  readonly reconciliations: number;
  readonly undecodable: number;
  readonly capacity: number;
  readonly evicted: number;
  readonly aggregated: number;
  readonly receiveBufferBytes: number;
  readonly namespaces: number;
}

/** Sockets and their processes. */
export interface SocketsHealthJson {
  readonly state: HealthState;
  readonly reason: SocketsReason | null;
  /** Age of the scan at the end of the window; null before the first one. */
  readonly ageMs: number | null;
  readonly sockets: number;
  /** Sockets whose process is known. */
  readonly attributed: number;
  readonly advice: string | null;
  readonly scans: number;
  readonly durationMs: number;
  readonly processes: number;
  readonly namespaces: number;
  readonly undecodable: number;
  readonly backend: ScanHealth["backend"];
  /** Tables that were left out, or taken in without the events of their time. */
  readonly uncut: number;
}

/** The resolver. */
export interface NamesHealthJson {
  readonly state: HealthState;
  readonly reason: NamesReason | null;
  readonly cached: number;
  readonly pending: number;
  readonly requests: number;
  readonly hits: number;
  readonly lookups: number;
  readonly failures: number;
  readonly dropped: number;
}
