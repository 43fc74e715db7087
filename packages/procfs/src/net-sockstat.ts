/** /proc/net/sockstat and sockstat6: how many sockets a network namespace has (`sockstat_seq_show`, the kernel's net/ipv4/proc.c and net/ipv6/proc.c). */
import type { Process } from "./pids.ts";
import { readText } from "./read-file.ts";

/** Sockets in the kernel's tables; those that are neither bound nor connected are in none. */
export interface Sockstat {
  /** IPv4; listeners included, TIME_WAIT not. */
  readonly tcp: number;
  /** IPv6, dual-stack ones included. */
  readonly tcp6: number;
  /** TIME_WAIT of either family, and what is left of orphans in FIN_WAIT2. */
  readonly timeWait: number;
}

/** Reads both files of a process's network namespace; `undefined` without the first (the second is missing without IPv6). Throws OpError. */
export function readSockstat(root: string, process: Process = "self"): Sockstat | undefined {
  const ipv4 = readText(`${root}/${process}/net/sockstat`);
  if (ipv4 === undefined) return undefined;
  return parseSockstat(ipv4, readText(`${root}/${process}/net/sockstat6`) ?? "");
}

/** Parses the two texts; `undefined` when a number that is expected is not there. */
export function parseSockstat(ipv4: string, ipv6: string): Sockstat | undefined {
  const [, tcp, timeWait] = /^TCP: inuse (\d+) orphan \d+ tw (\d+)/m.exec(ipv4) ?? [];
  const [, tcp6] = /^TCP6: inuse (\d+)/m.exec(ipv6) ?? [];
  if (tcp === undefined || timeWait === undefined) return undefined;
  return { tcp: Number(tcp), tcp6: Number(tcp6 ?? 0), timeWait: Number(timeWait) };
}
