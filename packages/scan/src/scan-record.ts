/**
 * Everything a scan took in, as it came: plain data that can be cloned, stored and read back, and from which `assembleSocketTable`
 * makes the same table again. The sockets are the kernel's own bytes, so a recording can keep them as netlink messages; the rest
 * is small.
 */
import type { NamespaceFacts, Owner, ScanHealth } from "@conntrail/model";
import type { Hidepid } from "@conntrail/procfs";

/** A part of one dump, or one file. A scan has many; their order is the order of the table's rows. */
export interface SocketDump {
  /** `sock_diag`: whole netlink messages with headers, SOCK_DIAG_BY_FAMILY. `proc-net`: the text of /proc/net/{tcp,tcp6,udp,udp6} or of a file of /proc/net/sctp. */
  readonly format: "sock_diag" | "proc-net";
  /** Inode of the network namespace. */
  readonly netns: number;
  /** PROTOCOL.tcp, udp or sctp: a sock_diag message does not say. */
  readonly protocol: number;
  readonly bytes: Uint8Array;
}

/** What a scan knows about itself; the account in the table follows from it. */
export interface ScanFacts {
  /** Number of the scan, from 1. */
  readonly scans: number;
  readonly durationMs: number;
  readonly backend: ScanHealth["backend"];
  /** TCP states wanted: a bit `1 << SOCKET_STATE` for each. Filters what /proc lists; sock_diag was asked for them. */
  readonly states: number;
  /** Rows that a table may have. */
  readonly maxSockets: number;
  /** Owners were looked for. */
  readonly ownersWanted: boolean;
  readonly procReadable: boolean;
  readonly hidepid: Hidepid;
  readonly processes: number;
  /** Processes whose descriptors may not be read. */
  readonly denied: number;
  /** Namespaces that are known but could not be entered. */
  readonly unreachable: number;
  /** Files of /proc and addresses that could not be read; undecodable sockets are counted when the table is made. */
  readonly unreadable: number;
  /** Which process may not be inspected, and why; missing or empty: none. */
  readonly obstacle?: string;
  /** /proc shows only the processes of a pid namespace of its own (F45). */
  readonly ownPids?: boolean;
}

/** One scan's input. */
export interface ScanRecord {
  readonly kind: "scan";
  /** As in the table. */
  readonly startedMs: number;
  readonly timeMs: number;
  readonly cutMs: number | null;
  readonly dumps: readonly SocketDump[];
  readonly owners: readonly Owner[];
  /** Three words per socket that is held, by ascending inode: inode, 1 + index into `owners` (0: which of its holders is meant is not known), processes that hold it. */
  readonly holders: Uint32Array;
  readonly namespaces: readonly NamespaceFacts[];
  readonly facts: ScanFacts;
}
