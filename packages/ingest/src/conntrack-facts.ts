/**
 * What the kernel says of connection tracking in the calling thread's namespace, outside of netlink: whether it tells events, whether it
 * tracks anything, whether its table is full. Sources: the kernel's Documentation/networking/nf_conntrack-sysctl.rst and snmp_counter.rst.
 */
import { readFileSync } from "node:fs";
import { isParseError, readConntrackStat, readSysctlNumber } from "@conntrail/procfs";

/** One reading. Undefined: the kernel does not say. */
export interface ConntrackFacts {
  /** net.netfilter.nf_conntrack_events: 0 off, 1 on, 2 on for flows that began while somebody listened. */
  readonly events: number | undefined;
  /** Entries in the table, and the most it may hold. */
  readonly count: number | undefined;
  readonly max: number | undefined;
  /** Connections refused or pushed out because the table was full, from the start of the kernel. */
  readonly dropped: number;
  /** TCP connections of local sockets that are open now, and that were ever opened. */
  readonly established: number;
  readonly opened: number;
}

/** Reads the facts of the namespace that the thread is in. Throws OpError, ParseError. */
export function readConntrackFacts(root: string): ConntrackFacts {
  const stat = readConntrackStat(root, "thread-self");
  return {
    events: readSysctlNumber(root, "net.netfilter.nf_conntrack_events"),
    count: readSysctlNumber(root, "net.netfilter.nf_conntrack_count"),
    max: readSysctlNumber(root, "net.netfilter.nf_conntrack_max"),
    dropped: stat === undefined ? 0 : stat.drop + stat.earlyDrop,
    ...readTcpCounts(root),
  };
}

/** Entries in the table of the namespace that the thread is in; undefined: the kernel does not say. Throws OpError. */
export function readTableSize(root: string): number | undefined {
  try {
    return readSysctlNumber(root, "net.netfilter.nf_conntrack_count");
  } catch (error) {
    if (isParseError(error)) return undefined;
    throw error;
  }
}

/** The line `Tcp:` with the names, and the one with the numbers (RFC 4022: tcpCurrEstab, tcpActiveOpens, tcpPassiveOpens). */
function readTcpCounts(root: string): Pick<ConntrackFacts, "established" | "opened"> {
  let text: string;
  try {
    text = readFileSync(`${root}/thread-self/net/snmp`, "utf8");
  } catch {
    return { established: 0, opened: 0 };
  }
  const [names = [], values = []] = text
    .split("\n")
    .filter((line) => line.startsWith("Tcp: "))
    .map((line) => line.split(" "));
  const count = (name: string): number => Number(values[names.indexOf(name)] ?? 0);
  return { established: count("CurrEstab"), opened: count("ActiveOpens") + count("PassiveOpens") };
}
