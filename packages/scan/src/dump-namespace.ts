/**
 * The sockets of one network namespace: four questions to sock_diag(7), asked from inside, or the four files that /proc/net shows of it.
 * Everything happens between entering and leaving, synchronously.
 */
import { FAMILY, PROTOCOL, SOCKET_STATE } from "@conntrail/model";
import { encodeInetDiagRequest, INET_DIAG, isOpError, NETLINK_FAMILY, OpError } from "@conntrail/netlink";
import { dump, inNamespace, type NetlinkSocket, openNetlinkSocket } from "@conntrail/netlink/socket";
import {
  type FoundNamespace,
  hasSctp,
  type NetSocketFile,
  netSocketProtocol,
  type PortRange,
  type Process,
  readNetNamespace,
  readNetSockets,
  readPortRange,
  readSctpSockets,
  readSockstat,
  SCTP_FILES,
  type Sockstat,
} from "@conntrail/procfs";
import { entryFailure } from "./entry-failure.ts";
import type { ScanSettings } from "./options.ts";
import type { SocketDump } from "./scan-record.ts";

/** Receives a part of a dump: `length` bytes at `offset` of `dump.bytes`, valid during the call. */
export type OnDump = (dump: SocketDump, offset: number, length: number) => void;

/** How it went. `gone`: the namespace ended meanwhile; `forbidden`: it may not be entered. */
export interface NamespaceDump {
  readonly outcome: "sock_diag" | "proc" | "none" | "gone" | "forbidden";
  /** `undefined` when it could not be read. */
  readonly ephemeral: PortRange | undefined;
  /** Answers that broke off. */
  readonly broken: number;
}

interface Question {
  readonly file: NetSocketFile;
  readonly family: number;
}

const QUESTIONS: readonly Question[] = [
  { file: "tcp", family: FAMILY.ipv4 },
  { file: "tcp6", family: FAMILY.ipv6 },
  { file: "udp", family: FAMILY.ipv4 },
  { file: "udp6", family: FAMILY.ipv6 },
];

/** Kernels that have SCTP, but not its part of sock_diag: each question would make them look for a module anew. By the settings of who asks. */
const WITHOUT_SCTP_DIAG = new WeakSet<ScanSettings>();

/** TCP sockets of a namespace up to which TCP_INFO comes along unasked. */
export const TCP_INFO_SOCKETS = 10_000;
const ALL_STATES = 0xffffffff;
const LISTEN = 1 << SOCKET_STATE.listen;
const TIME_WAIT = 1 << SOCKET_STATE.timeWait;
/** What sock_diag says when the kernel has no handler for a family or protocol: then /proc may still list it. */
const NOT_SUPPORTED = ["ENOENT", "EOPNOTSUPP", "EPROTONOSUPPORT", "EAFNOSUPPORT", "EINVAL"];

/** Dumps a namespace. Throws OpError for what concerns more than this namespace. */
export function dumpNamespace(namespace: FoundNamespace, settings: ScanSettings, onDump: OnDump): NamespaceDump {
  const { path, process } = namespace;
  const work = new NamespaceWork(namespace, settings, onDump);
  if (path === undefined) return work.inside(process ?? "thread-self");
  if (settings.backend === "proc" && process !== undefined) return work.outside(process);
  const result = enter(path, () => work.inside("thread-self"));
  return typeof result === "string" ? { outcome: result, ephemeral: undefined, broken: 0 } : result;
}

function enter<T extends object | undefined>(path: string, action: () => T): T | "gone" | "forbidden" {
  try {
    return inNamespace(path, action);
  } catch (error) {
    const failure = entryFailure(error);
    if (failure === undefined) throw error;
    return failure;
  }
}

/** One visit. */
class NamespaceWork {
  readonly #namespace: FoundNamespace;
  readonly #settings: ScanSettings;
  readonly #onDump: OnDump;
  #broken = 0;
  #wantsTcpInfo = false;

  constructor(namespace: FoundNamespace, settings: ScanSettings, onDump: OnDump) {
    this.#namespace = namespace;
    this.#settings = settings;
    this.#onDump = onDump;
  }

  /** From within; `process` is the name under which /proc shows the namespace there. */
  inside(process: Process): NamespaceDump {
    const { root, backend } = this.#settings;
    const entered = this.#namespace.path !== undefined;
    // The process that led here may have ended, and its pid may belong to another one by now.
    if (entered && readNetNamespace(root, "thread-self") !== this.#namespace.netns)
      return this.#result("gone", undefined);
    const outcome = backend === "proc" ? this.#readAll(process) : this.#askAll(process);
    return this.#result(outcome, readPortRange(root));
  }

  /** Without entering, but for the one fact that /proc shows to insiders only. */
  outside(process: Process): NamespaceDump {
    const outcome = this.#readAll(process);
    const range = enter(this.#namespace.path!, () => readPortRange(this.#settings.root));
    return this.#result(outcome, typeof range === "string" ? undefined : range);
  }

  #result(outcome: NamespaceDump["outcome"], ephemeral: PortRange | undefined): NamespaceDump {
    return { outcome, ephemeral, broken: this.#broken };
  }

  #isWanted(protocol: number): boolean {
    const { protocols } = this.#settings;
    return protocols === "all" || protocols.includes(protocol);
  }

  get #questions(): readonly Question[] {
    return QUESTIONS.filter(({ file }) => this.#isWanted(netSocketProtocol(file)));
  }

  #readAll(process: Process): NamespaceDump["outcome"] {
    const read = this.#questions.map(({ file }) => this.#read(file, process));
    this.#readSctp(process);
    return read.includes(true) ? "proc" : "none";
  }

  #read(file: NetSocketFile, process: Process): boolean {
    const bytes = readNetSockets(this.#settings.root, file, process);
    if (bytes === undefined) return false;
    const { netns } = this.#namespace;
    this.#onDump({ format: "proc-net", netns, protocol: netSocketProtocol(file), bytes }, 0, bytes.length);
    return true;
  }

  #askAll(process: Process): NamespaceDump["outcome"] {
    const socket = this.#openSocket();
    if (socket === undefined) return this.#readAll(process);
    try {
      const sockstat = readSockstat(this.#settings.root, process);
      const { tcpInfo } = this.#settings;
      const few = sockstat !== undefined && sockstat.tcp + sockstat.tcp6 <= TCP_INFO_SOCKETS;
      this.#wantsTcpInfo = tcpInfo === "auto" ? few : tcpInfo;
      const answers = this.#questions.map((question) => {
        if (this.#ask(socket, question, sockstat)) return "sock_diag";
        return this.#settings.backend === "auto" && this.#read(question.file, process) ? "proc" : "none";
      });
      this.#askSctp(socket, process);
      return answers.find((answer) => answer !== "none") ?? "none";
    } finally {
      socket.close();
    }
  }

  /** Asks for SCTP's sockets where the namespace has SCTP, which /proc shows: a kernel without it would look for its module. */
  #askSctp(socket: NetlinkSocket, process: Process): void {
    if (!this.#isWanted(PROTOCOL.sctp) || !hasSctp(this.#settings.root, process)) return;
    if (!WITHOUT_SCTP_DIAG.has(this.#settings)) {
      const answered = [FAMILY.ipv4, FAMILY.ipv6].map((family) =>
        this.#dump(socket, PROTOCOL.sctp, family, ALL_STATES),
      );
      if (!answered.includes(-1)) return;
      WITHOUT_SCTP_DIAG.add(this.#settings);
    }
    if (this.#settings.backend === "auto") this.#readSctp(process);
  }

  #readSctp(process: Process): void {
    if (!this.#isWanted(PROTOCOL.sctp)) return;
    const { netns } = this.#namespace;
    for (const file of SCTP_FILES) {
      const bytes = readSctpSockets(this.#settings.root, file, process);
      if (bytes === undefined) continue;
      this.#onDump({ format: "proc-net", netns, protocol: PROTOCOL.sctp, bytes }, 0, bytes.length);
    }
  }

  /** `undefined` when the kernel has no sock_diag, and /proc will do. */
  #openSocket(): NetlinkSocket | undefined {
    try {
      return openNetlinkSocket({ family: NETLINK_FAMILY.sockDiag });
    } catch (error) {
      const permanent =
        isOpError(error) && ["EPROTONOSUPPORT", "EAFNOSUPPORT", "EPERM", "EACCES"].includes(error.errno);
      if (permanent && this.#settings.backend === "auto") return undefined;
      throw error;
    }
  }

  /**
   * False when the kernel cannot answer. Walking the table of connections costs some 4 ms however few are in it (it is one table for
   * all namespaces), listing listeners 0.04 ms: so the walk is left out where the counters say that there is nothing but listeners. They do not
   * count TIME_WAIT.
   */
  #ask(socket: NetlinkSocket, question: Question, sockstat: Sockstat | undefined): boolean {
    const { states } = this.#settings;
    const { family } = question;
    const protocol = netSocketProtocol(question.file);
    const tcp = protocol === PROTOCOL.tcp;
    if (!tcp || sockstat === undefined || (states & (LISTEN | TIME_WAIT)) !== LISTEN)
      return this.#dump(socket, protocol, family, tcp ? states : ALL_STATES) >= 0;
    const listeners = this.#dump(socket, protocol, family, LISTEN);
    if (listeners < 0) return false;
    const inTables = sockstat[family === FAMILY.ipv4 ? "tcp" : "tcp6"];
    if (listeners >= inTables) return true;
    return this.#dump(socket, protocol, family, states & ~LISTEN) >= 0;
  }

  /** Number of sockets, -1 when the kernel cannot answer. */
  #dump(socket: NetlinkSocket, protocol: number, family: number, states: number): number {
    const extensions = protocol === PROTOCOL.tcp && this.#wantsTcpInfo ? [INET_DIAG.info] : [];
    const { netns } = this.#namespace;
    const request = encodeInetDiagRequest({
      family,
      protocol,
      states,
      extensions,
      noLoopback: !this.#settings.loopback,
    });
    const answer: { dump: SocketDump | undefined } = { dump: undefined };
    const result = dump(socket, request, (bytes, offset, length) => {
      answer.dump ??= { format: "sock_diag", netns, protocol, bytes };
      this.#onDump(answer.dump, offset, length);
    });
    if (result.error === undefined) return result.messages;
    if (result.messages > 0) {
      this.#broken++;
      return result.messages;
    }
    if (!NOT_SUPPORTED.includes(result.error)) throw new OpError("sock_diag dump", result.error);
    return -1;
  }
}
