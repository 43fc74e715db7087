/** What each part says about itself. Loss is data: whatever was lost, dropped, evicted or stale is a number here. Counters run from the start of the reporter. */

/** `degraded`: works in part; `off`: does not work, or was switched off. A reason stands beside both. */
export type HealthState = "ok" | "degraded" | "off";

/** Why conntrack gives nothing or not everything. The text beside it says what would turn it on. */
export type ConntrackReason =
  | "switched-off" // by the configuration
  | "starting" // the first dump is not complete yet
  | "not-permitted" // CAP_NET_ADMIN is missing
  | "no-ctnetlink" // the kernel has no nf_conntrack_netlink
  | "events-disabled" // net.netfilter.nf_conntrack_events = 0
  | "no-rule" // no rule refers to ct: nothing is tracked
  | "table-full" // the kernel drops connections: nf_conntrack_max is reached
  | "own-namespace-only" // other namespaces may not be entered
  | "no-such-namespace" // one that was asked for by name or inode is not there
  | "buffer-too-small" // events were lost: the receive buffer has reached its cap
  | "reader-too-slow" // events were lost although the buffer could still grow
  | "near-capacity" // the flow table is over 80 % full
  | "failed"; // the worker died or the socket failed; a restart is under way

/** The ingest's own account. */
export interface IngestHealth {
  readonly state: HealthState;
  readonly reason: ConntrackReason | null;
  /** One sentence for an operator, with what would help; null when all is well. */
  readonly advice: string | null;
  /** Unix milliseconds since which no event was lost; null before the first complete dump. */
  readonly completeSinceMs: number | null;
  /** Messages decoded, by type. */
  readonly events: { readonly new: number; readonly update: number; readonly destroy: number };
  /** The kernel's count of dropped messages, null when it cannot be had. */
  readonly lost: number | null;
  /** Episodes of ENOBUFS. */
  readonly overruns: number;
  /** Dumps after the first: after a loss, and periodic reconciliation. */
  readonly resyncs: number;
  readonly reconciliations: number;
  readonly undecodable: number;
  /** Flows in the table now, and how many it may hold. */
  readonly flows: number;
  readonly capacity: number;
  readonly evicted: number;
  /** Closed flows that did not fit into a batch as rows and were added to aggregated rows. */
  readonly aggregated: number;
  readonly receiveBufferBytes: number;
  readonly namespaces: number;
}

/** Why sockets or processes are missing. */
export type SocketsReason =
  | "switched-off"
  | "starting"
  | "partly-permitted" // processes of other users, or other namespaces, cannot be inspected
  | "own-pid-namespace" // /proc shows only the processes of a container, and sockets of others are seen
  | "hidepid" // /proc is mounted with hidepid
  | "no-proc" // /proc cannot be read
  | "too-many-sockets" // more than the scan may hold: the rest is counted, not listed
  | "stale" // the last scan is older than it should be
  | "failed";

/** The scan's own account. */
export interface ScanHealth {
  readonly state: HealthState;
  readonly reason: SocketsReason | null;
  readonly advice: string | null;
  readonly scans: number;
  readonly durationMs: number;
  readonly sockets: number;
  /** Sockets whose process is known. */
  readonly attributed: number;
  readonly processes: number;
  readonly namespaces: number;
  /** Lines or messages that could not be read. */
  readonly undecodable: number;
  /** Which backend gave the sockets. */
  readonly backend: "sock_diag" | "proc" | "none";
  /** Tables that were left out, or taken in without the events of their time, because those did not come (FlowBatch.cutMs). */
  readonly uncut: number;
}

/** Why processes of short connections are missing. The text beside it says what would turn the tracing on. */
export type TraceReason =
  | "switched-off" // by the configuration
  | "not-permitted" // neither CAP_PERFMON nor CAP_SYS_ADMIN, or something forbids it all the same
  | "no-tracefs" // the kernel's list of tracepoints cannot be had
  | "no-tracepoint" // the kernel has no sock:inet_sock_set_state (before 4.16)
  | "not-supported" // no perf events here
  | "no-descriptors" // the process has no file descriptors left for it
  | "events-lost" // the rings were full: what is missing has the next best evidence
  | "not-recorded" // a replay of a recording without traced facts
  | "failed";

/** The trace's own account. */
export interface TraceHealth {
  readonly state: HealthState;
  readonly reason: TraceReason | null;
  /** One sentence for an operator, with what would help; null when all is well. */
  readonly advice: string | null;
  /** Records taken from the rings. */
  readonly events: number;
  /** Records that did not fit into a ring. */
  readonly lost: number;
  readonly undecodable: number;
  /** Openings and closings told with their process. */
  readonly facts: number;
  /** Processors that are listened to. */
  readonly cpus: number;
  readonly ringBytes: number;
  /** Processes in the table. */
  readonly processes: number;
  /** Whether senders of datagrams are traced: `over-budget` when there are so many that it would cost them too much. */
  readonly senders: "on" | "off" | "over-budget";
}

/** Why names are missing. */
export type NamesReason = "switched-off" | "no-server" | "timeouts" | "backlog-full";

/** The resolver's own account. */
export interface NamesHealth {
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

/** Why containers have no names. */
export type ContainersReason =
  | "switched-off" // by the configuration
  | "no-socket" // nobody listens at the sockets
  | "not-permitted"
  | "failed";

/** The account of the cache that asks what containers are called. */
export interface ContainersHealth {
  readonly state: HealthState;
  readonly reason: ContainersReason | null;
  /** One sentence for an operator, with what would help; null when all is well. */
  readonly advice: string | null;
  readonly cached: number;
  readonly pending: number;
  /** Questions to an API, those of them that failed, and containers that were not asked about because too many waited. */
  readonly requests: number;
  readonly failures: number;
  readonly dropped: number;
}

/** The merge's own account. */
export interface MergeHealth {
  /** Closed connections that did not fit into the report as rows and were added to aggregated rows. */
  readonly aggregated: number;
  /** Connections that a full table turned away. */
  readonly dropped: number;
}
