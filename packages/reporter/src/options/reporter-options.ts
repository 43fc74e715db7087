/** What a reporter can be told, and what it does when it is told nothing. */
import type { SocketTable } from "@conntrail/model";
import type { ConnectionMember } from "@conntrail/report";
import type { Registry } from "prom-client";
import type { Observable } from "rxjs";
import type { Logger } from "../logger.ts";
import type { MeterLike } from "../metrics/meter-face.ts";
import type { RecordOptions } from "../record/record-options.ts";
import type { Sink } from "../sinks/sink.ts";

/** Options of `createReporter()`, each with its default. Durations are milliseconds, sizes bytes; limits.ts has the bounds as numbers. */
export interface ReporterOptions {
  /** Connections to tell of, in reports and changes: an expression over their members, such as `to.port == 443 && from.process != "curl"`; all that `--filter` takes. Default: all. */
  readonly filter?: string;
  /** Connections in a report at the most, from 1: the heaviest stay, and `elided` says what was left out. Changes have no limit. Default: no limit. */
  readonly limit?: number;
  /** What reports as JSON have of each connection, such as `["from.process", "to", "state"]`; `id` is always there, and `processes` is empty where no member speaks of them. `Connection`s and changes are whole. Default: everything. */
  readonly select?: readonly ConnectionMember[];
  /** Names this host in reports and in Scope's node ids. Default: /etc/machine-id, else the host's name. */
  readonly hostId?: string;
  /** Default: the host's name. */
  readonly hostName?: string;
  /** Time between reports, 50 to 2,147,483,647 (25 days); 0: only when `report()` asks. Default 1,000. */
  readonly intervalMs?: number;
  /** Follow conntrack's events. Default true. */
  readonly conntrack?: boolean;
  /** Read sockets. Default true. */
  readonly sockets?: boolean;
  /** Find the process of each socket. Default true. */
  readonly processes?: boolean;
  /** Read command lines, and tell them in reports and recordings: they hold secrets. Default false. */
  readonly commandLines?: boolean;
  /** Trace which process opens and closes each connection, by perf events; never without `processes`. Default true. */
  readonly trace?: boolean;
  /** Bytes of each processor's ring of events, 4,096 to 2^30. Default 1 MiB, and less beyond 32 processors. */
  readonly traceRing?: number;
  /**
   * The Docker-compatible API that says what containers are called, `unix:///…`; false: nobody is asked. Default: Docker's and Podman's usual places, whichever is there.
   */
  readonly containerApi?: string | false;
  /** Look up names. Default true. */
  readonly names?: boolean;
  /**
   * Which network namespaces: all that can be entered, only the one this process is in ("own"), or those of a list, each by the name that `ip netns` gives, by inode, or "own". Nothing is asked of
   * others; one that is not there yet is taken in when it comes, and `health` names it until then. Default "all".
   */
  readonly namespaces?: "all" | "own" | readonly (string | number)[];
  /** Transport protocols to collect, by name or number, or "all"; the kernel is asked for no others. Default: TCP, SCTP, and UDP with its DNS lookups aggregated by service. */
  readonly protocols?: readonly string[];
  /** Collect connections to an address of the loopback (127.0.0.0/8, ::1); without, the kernel is asked to leave them out. Default true. */
  readonly loopback?: boolean;
  /** Tell who sends UDP to multicast groups and broadcast addresses, which nobody ever answers from. Default false. */
  readonly multicast?: boolean;
  /**
   * Where nothing tells who opened a connection, take the end with the lower port for the server, as a guess. In Scope's format, which knows nothing else, that is always done.
   * Default false.
   */
  readonly guessDirection?: boolean;
  /** Receive buffer of each event socket at start, 4,096 to 2^30 - 1. Default 128 MiB; the memory is used only while events wait. */
  readonly receiveBuffer?: number;
  /** How far it may grow when events are lost, in the same bounds. Default 256 MiB, and at least `receiveBuffer`. */
  readonly receiveBufferMax?: number;
  /** Time between dumps that look for flows whose end nobody told, from 500. Default 30,000. */
  readonly reconcileMs?: number;
  /** Flows that may be followed at once, 1 to 2,097,152. Default 262,144. */
  readonly maxFlows?: number;
  /**
   * Time between scans of the sockets; scans also run just before each report and, where perf events do not tell who opens connections, when some began. From 10.
   * Default: the report's interval, or 1,000 without one.
   */
  readonly scanIntervalMs?: number;
  /** Share of one core that scans may take, 0.001 to 1: after an expensive one the next waits. Default 0.1. */
  readonly scanCpuShare?: number;
  /** Threads, 1 to 64, that the first pass over the descriptors of all processes is spread over where there are very many (25,000 for each). Default: half of the processors. */
  readonly scanThreads?: number;
  /** What `explain()` may look back on: bytes of the latest inputs that the pipeline keeps, to 2^30; 0: none. Default 8 MiB. */
  readonly explainBuffer?: number;
  /** Servers for reverse lookups, `address` or `address:port`. Default: those of /etc/resolv.conf. */
  readonly nameServers?: readonly string[];
  /** Reverse lookups a second at the most, 1 to 1,000. Default 10. */
  readonly lookupsPerSecond?: number;
  /** Networks (CIDR) that mean something only on this host: their endpoints get the host's id in Scope's format. */
  readonly localNetworks?: readonly string[];
  /** Where /proc is mounted. Default "/proc". */
  readonly procRoot?: string;
  /** How far the pipeline's thread gives way to the host's once it is ready (nice(2)), 0 to 19. The thread that reads events does not. Default 5. */
  readonly nice?: number;
  /** Times within ten minutes that the pipeline may be started anew, 0 to 10,000; after one failure more the reporter ends with an error. Default 20. */
  readonly maxRestarts?: number;
  /** Aborting it closes the reporter. */
  readonly signal?: AbortSignal;
  /** Told of what goes wrong while it runs, and when it is over. Default: nobody. */
  readonly logger?: Logger;
  /** Socket tables from elsewhere instead of our own scan. Each table's arrays are transferred away. */
  readonly scanner?: Observable<SocketTable>;
  /** Metrics are registered here; none without it. */
  readonly metrics?: Registry;
  /** The same metrics as instruments of a Meter of `@opentelemetry/api`. None without it. */
  readonly meter?: MeterLike;
  /** Put before every metric's name. Default "conntrail_"; "scope_probe_" gives Scope's own names. */
  readonly metricsPrefix?: string;
  /** Where reports go, beside `reports$` and iteration. */
  readonly sinks?: readonly Sink[];
  /** Records everything that the reporter takes in. When the file cannot be created, the reporter cannot start. */
  readonly record?: RecordOptions;
}
