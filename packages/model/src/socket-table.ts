/** What the scan emits: every socket of every namespace it could reach, and the process that owns each. */
import type { ContainerFacts } from "./container-facts.ts";
import type { ScanHealth } from "./health.ts";

/** A process that holds sockets. Identity is pid and start time together: pids are reused. */
export interface Owner {
  readonly pid: number;
  /** Clock ticks after boot (field 22 of /proc/PID/stat, proc_pid_stat(5)). */
  readonly startTicks: number;
  /** /proc/PID/comm: at most 15 bytes. */
  readonly process: string;
  readonly ppid: number;
  /** Command line, arguments joined by spaces, at most 256 characters; empty for kernel threads, and unless it was asked for. */
  readonly cmdline: string;
  /** The path of its control group that says most (procfs: pid-cgroup.ts); empty when unreadable. */
  readonly cgroup: string;
  /** 64 hexadecimal digits found in the cgroup path, else empty. */
  readonly containerId: string;
  /** Effective user id. Missing: not known. */
  readonly uid?: number;
  /** Its name in the passwd file that the process sees. Missing: not known. */
  readonly user?: string;
  /** What its container is called. Missing: it is in none, or nobody said. Put there when a report is made. */
  readonly container?: ContainerFacts;
}

/** What is known about one network namespace. */
export interface NamespaceFacts {
  /** Inode of the namespace. */
  readonly netns: number;
  /** Its addresses, four words each (address.ts); loopback included. */
  readonly addresses: Uint32Array;
  /** /proc/sys/net/ipv4/ip_local_port_range, or the kernel's default 32768–60999. */
  readonly ephemeral: { readonly low: number; readonly high: number };
  /** When its sockets were read. One that was there all the time from the first moment to the second is in the table; one that was there only before or after is not. */
  readonly readFromMs: number;
  readonly readByMs: number;
  /** Some of its sockets are missing: an answer broke off, or there was no room. */
  readonly incomplete?: true;
  /** The name under which it is mounted (ip-netns(8)); missing: none, or not known. */
  readonly name?: string;
  /** The interfaces that its sockets are bound to. Missing: none, or not known. */
  readonly devices?: readonly Device[];
  /** What is local to it by a route and not by an address. Missing: nothing, or not known. */
  readonly localRoutes?: readonly LocalRoute[];
}

/** An interface. */
export interface Device {
  /** Its index in its namespace. */
  readonly index: number;
  readonly name: string;
}

/** Addresses that a namespace takes for its own because a route says so (type `local`: AnyIP, TPROXY). */
export interface LocalRoute {
  /** In CIDR notation. */
  readonly network: string;
  /** False: for some packets only, as a rule says (a mark, an interface). */
  readonly forAll: boolean;
}

/** A whole scan. The typed arrays are transferred between threads: whoever receives a table owns them. */
export interface SocketTable {
  readonly kind: "sockets";
  /**
   * When the scan's last dump had been read: the table is not older than that. Like all times here: Unix milliseconds by a clock that never steps.
   */
  readonly timeMs: number;
  /** The cut behind which the flow of each of its sockets is known (`FlowBatch.cutMs`): the moment of the last dump. Null: it waits for none (older recordings). */
  readonly cutMs: number | null;
  /** When the scan began: a socket opened later may be missing. */
  readonly startedMs: number;
  readonly count: number;
  /** `count` rows of SOCKET_WORDS words (socket-row.ts). The array may be longer than that. */
  readonly rows: Uint32Array;
  readonly owners: readonly Owner[];
  readonly namespaces: readonly NamespaceFacts[];
  /** Namespaces that a walk of processes does not show, and a file by which each can be entered. Missing: none; a recording has none. */
  readonly ways?: readonly NamespaceWay[];
  readonly health: ScanHealth;
}

/** A way into a network namespace: its inode, and a file that setns(2) takes, or the socket of a process. */
export type NamespaceWay = readonly [netns: number, path: string];
