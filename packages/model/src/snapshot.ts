/** One report, before and after it crosses a thread. */
import type { Changes, News } from "./changes.ts";
import type { ConnectionColumns } from "./connection-columns.ts";
import type { ContainersHealth, IngestHealth, MergeHealth, NamesHealth, ScanHealth, TraceHealth } from "./health.ts";
import type { Master } from "./master-record.ts";
import type { Owner } from "./socket-table.ts";

/** The stretch of time that a report speaks of, Unix milliseconds: of the wall clock once the report is made. */
export interface ReportWindow {
  readonly startMs: number;
  readonly endMs: number;
}

/** The host that a report speaks of. */
export interface HostFacts {
  readonly id: string;
  readonly name: string;
  /** CIDRs, for Scope's `local_networks`. */
  readonly localNetworks: readonly string[];
  /** CIDRs whose addresses mean something only on this host (a container bridge's): in Scope's format their endpoint ids begin with the host's id. */
  readonly hostScopedNetworks?: readonly string[];
  readonly kernelVersion: string;
  readonly uptimeSeconds: number;
}

/** The name under which a network namespace is mounted. */
export interface NetnsName {
  /** Its inode. */
  readonly netns: number;
  readonly name: string;
}

/** The health of all parts at the end of the window. `sockets.timeMs` is null before the first scan. */
export interface SnapshotHealth {
  readonly conntrack: IngestHealth;
  readonly sockets: ScanHealth & { readonly timeMs: number | null };
  readonly names: NamesHealth;
  readonly merge: MergeHealth;
  readonly trace: TraceHealth;
  /** Missing: no container was met. */
  readonly containers?: ContainersHealth;
}

/** What flows through the stages after the merge, once per tick. Each stage completes it; nothing is shared with later snapshots. */
export interface Snapshot {
  /** Only while somebody listens to changes: which connections this is about. */
  readonly news?: News;
  /** False: it was made for those who listen to changes, and is no report. */
  readonly isReport?: boolean;
  /** What has changed, once a stage has found it out. */
  readonly changes?: Changes;
  readonly window: ReportWindow;
  readonly columns: ConnectionColumns;
  /** What `fromOwner` and `toOwner` point into (1-based). */
  readonly owners: readonly Owner[];
  /** What `fromNames` and `toNames` point into (1-based). */
  readonly names: readonly (readonly string[])[];
  /** What `fromDevice` and `toDevice` point into (1-based): names of interfaces. Missing: none. */
  readonly devices?: readonly string[];
  /** What `master` points into (1-based). Missing: none. */
  readonly masters?: readonly Master[];
  /** What `exact` points into (1-based): records of EXACT_COUNTERS numbers (exact-record.ts). Missing: none. */
  readonly exact?: readonly bigint[];
  /** The namespaces that have a name. Missing: none. */
  readonly netnsNames?: readonly NetnsName[];
  /** What `tcp` points into (1-based): records of TCP_FACT_DOUBLES doubles (tcp-fact.ts). Missing: none. */
  readonly tcp?: Float64Array;
  readonly health: SnapshotHealth;
}

/** A snapshot with its place in the sequence. */
export interface ReportContent extends Snapshot {
  /** What a limit left out of the columns: rows, and the connections that they stand for. */
  readonly elided?: { readonly rows: number; readonly connections: number };
  readonly sequence: number;
  readonly host: HostFacts;
}

/** Asks for a snapshot: everything up to `timeMs` (Unix milliseconds) goes into it. `final`: nothing comes after it. */
export interface Tick {
  readonly kind: "tick";
  readonly timeMs: number;
  readonly final: boolean;
  /**
   * Asks for no report: for the connections about which something may be new (`touched`), for all that live (`all`; noting what is new begins with
   * the first), or that nothing be noted any more (`off`).
   */
  readonly news?: "touched" | "all" | "off";
  /** With `news`: no report is due, so what has ended counts as told. */
  readonly endsTold?: boolean;
}
