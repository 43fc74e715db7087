/** The options that `report`, `watch` and `record` share: what to collect, and how. */
import type { ReporterOptions } from "@conntrail/reporter";
import { type LimitedOption, OPTION_LIMITS, SCAN_THREADS } from "@conntrail/reporter/plain";
import { type Command, InvalidArgumentError, Option } from "commander";
import { commandLogger } from "./log.ts";
import { gather, oneOf } from "./one-of.ts";
import { countIn, durationIn, formatDuration, formatPercent, formatSize, percentIn, sizeIn } from "./units.ts";

/** What commander parses out of them. */
export interface CollectionOptions {
  readonly conntrack: boolean;
  readonly sockets: boolean;
  readonly processes: boolean;
  readonly trace: boolean;
  readonly cmdline?: boolean;
  readonly containerApi?: string | false;
  readonly names: boolean;
  readonly namespaces: NonNullable<ReporterOptions["namespaces"]>;
  readonly protocol?: string[];
  readonly multicast?: boolean;
  readonly loopback: boolean;
  readonly guessDirection?: boolean;
  readonly nameServer?: string[];
  readonly lookups?: number;
  readonly receiveBuffer?: number;
  readonly receiveBufferMax?: number;
  readonly reconcile?: number;
  readonly scanInterval?: number;
  readonly scanCpu?: number;
  readonly scanThreads?: number;
  readonly maxFlows?: number;
  readonly hostId?: string;
  readonly hostName?: string;
  readonly localNetwork?: string[];
}

const PROTOCOLS = ["tcp", "udp", "sctp", "dccp", "udplite", "icmp", "icmpv6", "gre", "all"] as const;

/** Adds them to a command. */
export function addCollectionOptions(command: Command): Command {
  return command
    .optionsGroup("What to collect:")
    .option("--no-conntrack", "leave conntrack alone: sockets only")
    .option("--no-sockets", "do not read sockets: flows only")
    .option("--no-processes", "do not look for the process of each socket")
    .option("--no-trace", "do not trace by perf events which process opens and closes a connection")
    .option("--cmdline", "tell the command lines of processes, which may hold secrets")
    .option(
      "--container-api <url>",
      "the Docker-compatible API that says what containers are called, unix:///… (default: Docker's and Podman's)",
    )
    .option("--no-container-api", "do not ask what containers are called")
    .option("--no-names", "do not look up names")
    .addOption(
      new Option(
        "--namespaces <which>",
        "network namespaces to look into: all, own, or a list such as own,shop,4026531833, by name (ip netns) or inode",
      )
        .default("all")
        .argParser(namespacesIn),
    )
    .addOption(
      new Option(
        "--protocol <name>",
        "collect this protocol and no other; may be repeated (default: tcp, sctp and udp services)",
      ).argParser(gather(oneOf(PROTOCOLS))),
    )
    .option("--multicast", "tell who sends UDP to multicast groups and broadcast addresses")
    .option("--no-loopback", "leave out connections to 127.0.0.0/8 and ::1: the kernel does not tell them")
    .option("--guess-direction", "where nothing tells who opened a connection, take the lower port for the server's")
    .optionsGroup("Names:")
    .option(
      "--name-server <address[:port]>",
      "ask this server; may be repeated (default: those of /etc/resolv.conf)",
      gather(String),
    )
    .option(
      "--lookups <n>",
      `reverse lookups a second ${bounds("lookupsPerSecond", String)}`,
      countIn(OPTION_LIMITS.lookupsPerSecond),
    )
    .optionsGroup("Limits:")
    .option("--max-flows <n>", `flows to follow at once ${bounds("maxFlows", String)}`, countIn(OPTION_LIMITS.maxFlows))
    .option(
      "--receive-buffer <size>",
      `receive buffer of each event socket at start ${bounds("receiveBuffer", formatSize)}`,
      sizeIn(OPTION_LIMITS.receiveBuffer),
    )
    .option(
      "--receive-buffer-max <size>",
      `how far it may grow after an overrun ${bounds("receiveBufferMax", formatSize)}`,
      sizeIn(OPTION_LIMITS.receiveBufferMax),
    )
    .option(
      "--reconcile <duration>",
      `look for flows whose end nobody told this often ${bounds("reconcileMs", formatDuration)}`,
      durationIn(OPTION_LIMITS.reconcileMs),
    )
    .option(
      "--scan-interval <duration>",
      "read the sockets this often (default: 1s, or the interval), e.g. 20ms for short connections; at least 10ms",
      durationIn(OPTION_LIMITS.scanIntervalMs),
    )
    .option(
      "--scan-cpu <percent>",
      `of one core that reading them may take ${bounds("scanCpuShare", formatPercent)}`,
      percentIn(OPTION_LIMITS.scanCpuShare),
    )
    .option(
      "--scan-threads <n>",
      `threads to read the descriptors of all processes at the start, where there are very many (${SCAN_THREADS.least} to ${SCAN_THREADS.most}; default: half of the processors)`,
      countIn(SCAN_THREADS),
    )
    .optionsGroup("This host:")
    .option("--host-id <id>", "name of this host in reports (default: the machine id)")
    .option("--host-name <name>", "name of this host for people (default: the host's name)")
    .option(
      "--local-network <cidr>",
      "a network that means something on this host only; may be repeated",
      gather(String),
    )
    .optionsGroup("Options:");
}

/** `all`, `own`, or a list separated by commas: what is all digits is an inode. */
function namespacesIn(text: string): CollectionOptions["namespaces"] {
  if (text === "all" || text === "own") return text;
  const parts = text.split(",").map((part) => part.trim());
  if (parts.includes("all")) throw new InvalidArgumentError('It takes "all" alone, or a list without it.');
  if (parts.some((part) => part === "" || part.includes("/"))) {
    throw new InvalidArgumentError("It takes names of network namespaces, or inodes, separated by commas.");
  }
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** As `createReporter()` takes them; what was not said stays unsaid. */
export function reporterOptions(options: CollectionOptions): ReporterOptions {
  const said = {
    protocols: options.protocol,
    containerApi: options.containerApi,
    nameServers: options.nameServer,
    lookupsPerSecond: options.lookups,
    receiveBuffer: options.receiveBuffer,
    receiveBufferMax: options.receiveBufferMax,
    reconcileMs: options.reconcile,
    scanIntervalMs: options.scanInterval,
    scanCpuShare: options.scanCpu,
    scanThreads: options.scanThreads,
    maxFlows: options.maxFlows,
    hostId: options.hostId,
    hostName: options.hostName,
    localNetworks: options.localNetwork,
  };
  return {
    logger: commandLogger,
    conntrack: options.conntrack,
    sockets: options.sockets,
    processes: options.processes,
    trace: options.trace,
    commandLines: options.cmdline ?? false,
    names: options.names,
    multicast: options.multicast ?? false,
    loopback: options.loopback,
    guessDirection: options.guessDirection ?? false,
    namespaces: options.namespaces,
    ...(Object.fromEntries(
      Object.entries(said).filter(([, value]) => value !== undefined),
    ) as Partial<ReporterOptions>),
  };
}

/** What an option is when nothing is said, and at the most. */
function bounds(option: LimitedOption, format: (value: number) => string): string {
  const { preset, most } = OPTION_LIMITS[option];
  return `(default: ${format(preset)}, at most ${format(most)})`;
}
