/** What a scan can be told, and what holds without being told. */
import { availableParallelism } from "node:os";
import { type ProcessNews, SOCKET_STATE } from "@conntrail/model";
import type { NamespaceChoice } from "@conntrail/procfs";
import type { Observable, SchedulerLike } from "rxjs";
import type { BegunEnds } from "./begun-ends.ts";
import type { LookedEnds } from "./end-look.ts";
import type { ScanRecord } from "./scan-record.ts";

/** What is scanned; plain data, because it crosses a thread. */
export interface ScanSettings {
  /** Where /proc is mounted. Default `/proc`. */
  readonly root: string;
  /** Look for the process behind each socket. Default true; false saves the walk of descriptors (F16). */
  readonly processes: boolean;
  /** Read the command line of each owner. Default false: command lines hold secrets. */
  readonly commandLines: boolean;
  /** `auto` (default): sock_diag, and /proc/net for what it refuses. The others: that one or nothing. */
  readonly backend: "auto" | "sock_diag" | "proc";
  /** `all` (default): every namespace that a process or thread is in, that is mounted anywhere, or that a descriptor keeps open. `own`: the thread's own. Or a list, by name or inode. */
  readonly namespaces: NamespaceChoice;
  /** Transport protocols, by number, whose sockets are listed. Default all. */
  readonly protocols: readonly number[] | "all";
  /** List sockets that are connected to an address of the loopback; where /proc is read they are listed in any case. Default true. */
  readonly loopback: boolean;
  /** TCP states wanted: a bit `1 << SOCKET_STATE` for each. Default all but TIME_WAIT, CLOSE and NEW_SYN_RECV, which no process can hold. UDP sockets are always listed. */
  readonly states: number;
  /**
   * Ask for bytes, round-trip time and retransmits of each TCP connection (TCP_INFO). `auto` (default): in namespaces with up to 10,000 of them;
   * it costs half as much again as the dump without, and more on a busy machine.
   */
  readonly tcpInfo: boolean | "auto";
  /**
   * Threads that the first pass over the descriptors of all processes is spread over, where there are so many that it helps (25,000 a thread). Default half of the
   * processors, at least 1. Later passes cost what changed, and take one.
   */
  readonly threads: number;
  /** Rows in a table at most; more sockets are counted, not listed. Default 1,048,576. */
  readonly maxSockets: number;
}

/** What others know of the time since the last scan, or look. */
export interface MayBeStill {
  /** Nobody told of a socket. */
  readonly nothingTold: boolean;
  /** Namespaces, by inode, that processes were born in or have entered; undefined: that is not known. */
  readonly entered: ReadonlySet<number> | undefined;
  /** Processes that something happened to; undefined or missing: that is not known, and a scan looks at all of them. */
  readonly processes?: ProcessNews | undefined;
}

/** Options of `scanSockets`. */
export interface ScanOptions extends Partial<ScanSettings> {
  /** From the start of one scan to the start of the next. Default 1,000. */
  readonly intervalMs?: number;
  /** Share of one core that scanning may take: after an expensive scan the next one waits. Default 0.1. */
  readonly cpuBudget?: number;
  /** Each value asks for a scan as soon as the budget allows; those that arrive during a scan become one more. */
  readonly trigger$?: Observable<unknown>;
  /**
   * Ends that began a moment ago, as rows of the trace (`count` of them): who holds their sockets is looked for at once, between scans, within `lookBudget`. The rows are
   * given away. Of those that come faster the newest are looked at.
   */
  readonly ends$?: Observable<BegunEnds>;
  /** Share of one core for such looks. Default 0.03. */
  readonly lookBudget?: number;
  /** Given what a look found. */
  readonly onLook?: (found: LookedEnds) => void;
  /** Its first value ends the stream: it completes when the threads are gone. */
  readonly stop$?: Observable<unknown>;
  /** A scan that takes longer has hung: its thread is ended, and the stream fails with OpError ETIMEDOUT. Default 30,000. */
  readonly deadlineMs?: number;
  /** A scan that has not stopped so long after the end is ended by force. Default 1,500. */
  readonly closeDeadlineMs?: number;
  /** Asked before each scan but the first: whether nothing was told by others since the last. When the kernel's counters agree there is no scan and no table. Default: a table each time. */
  readonly mayBeStill?: () => MayBeStill;
  /** Called in place of a table: the last one is as good as a new one. */
  readonly onStill?: () => void;
  /** Given everything that a scan took in, before its table is emitted. The record is the receiver's. */
  readonly tap?: (record: ScanRecord) => void;
  /** The clock and the timers between scans. */
  readonly scheduler?: SchedulerLike;
}

const UNWANTED_STATES = (1 << SOCKET_STATE.timeWait) | (1 << SOCKET_STATE.close) | (1 << SOCKET_STATE.newSynRecv);

const SETTINGS: ScanSettings = {
  root: "/proc",
  processes: true,
  commandLines: false,
  backend: "auto",
  namespaces: "all",
  protocols: "all",
  loopback: true,
  states: 0x1ffe & ~UNWANTED_STATES,
  tcpInfo: "auto",
  threads: Math.max(1, Math.floor(availableParallelism() / 2)),
  maxSockets: 1_048_576,
};

/** The settings in the options, completed. */
export function settingsOf(options: Partial<ScanSettings>): ScanSettings {
  const settings: Record<string, unknown> = { ...SETTINGS };
  for (const name of Object.keys(SETTINGS)) {
    const value = options[name as keyof ScanSettings];
    if (value !== undefined) settings[name] = value;
  }
  return settings as unknown as ScanSettings;
}
