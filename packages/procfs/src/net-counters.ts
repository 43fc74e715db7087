/**
 * What the kernel counts of the sockets in a network namespace, as text that is compared and not read: while it stays the same, no TCP connection was opened or closed there, and there are as many sockets as
 * before. Sources: /proc/net/snmp (RFC 4022, `snmp_seq_show`), /proc/net/sockstat and sockstat6 (`sockstat_seq_show`).
 */
import type { Process } from "./pids.ts";
import { readText } from "./read-file.ts";

/** How many of the numbers behind `Tcp:` are about connections; those after them are about segments. */
const CONNECTION_COUNTERS = 9;

/** Reads the counters of a process's network namespace; and those of TCP segments where it has no more than `segmentsUpTo` TCP sockets. `undefined` when it is gone. Throws OpError. */
export function readNetCounters(root: string, process: Process, segmentsUpTo: number): string | undefined {
  const folder = `${root}/${process}/net`;
  const snmp = readText(`${folder}/snmp`);
  const sockstat = readText(`${folder}/sockstat`);
  if (snmp === undefined || sockstat === undefined) return undefined;
  return netCounters(snmp, sockstat, readText(`${folder}/sockstat6`) ?? "", segmentsUpTo);
}

/** The counters in the three texts; `undefined` when the one of TCP is missing. */
export function netCounters(
  snmp: string,
  sockstat: string,
  sockstat6: string,
  segmentsUpTo: number,
): string | undefined {
  const [, tcp] = /^Tcp: ([-\d ]+)$/m.exec(snmp) ?? [];
  if (tcp === undefined) return undefined;
  let sockets = 0;
  const inUse = [...`${sockstat}\n${sockstat6}`.matchAll(/^(\w+): inuse (\d+)/gm)].map(([text, name, count]) => {
    if (name === "TCP" || name === "TCP6") sockets += Number(count);
    return text;
  });
  const told = sockets <= segmentsUpTo ? tcp : tcp.split(" ", CONNECTION_COUNTERS).join(" ");
  return [told, ...inUse].join("\n");
}
