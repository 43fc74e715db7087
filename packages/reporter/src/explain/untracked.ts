/**
 * Why conntrack, though it works, told nothing of a flow. It tracks where a rule of the namespace asks for it and none says notrack; and it forgets UDP that is silent after
 * nf_conntrack_udp_timeout, or nf_conntrack_udp_timeout_stream once it was answered (nf_conntrack_proto_udp.c: 30 and 120 seconds).
 */
import { COUNTED_UDP_PORTS } from "@conntrail/model";
import type { ConnectionJson } from "@conntrail/report";
import type { FactCollector } from "./fact-collector.ts";
import { datagramsLook, inNamed, inNamespace, rulesOnTheWay, trackingOnTheWay } from "./row-place.ts";
import { isOver } from "./scan-findings.ts";
import { isDatagram } from "./verdicts.ts";

/** The text, and what to look at. */
export function untrackedText(row: ConnectionJson, seen: FactCollector): readonly [text: string, help: string] {
  if (isCounted(row)) return countedText(row, seen);
  const rules = rulesOnTheWay(row, seen.found, seen.tracking);
  const { senders } = seen;
  if (isDatagram(row.protocol) && senders.from === undefined && senders.to === undefined && !isOver(row)) {
    const text =
      "conntrack works, but told of no such flow: most simply, no datagram went while we watched, for conntrack forgets UDP that is silent (nf_conntrack_udp_timeout: 30 s; _stream, once answered: 120 s); or no namespace on its way tracks it (no rule with ct or NAT, or one with notrack)";
    return [text, `${datagramsLook(row)}; only if they do: ${rules}`];
  }
  const tracks = trackingOnTheWay(row, seen.found, seen.tracking);
  const untracked =
    tracks.length === 0
      ? "no namespace on its way tracks it (no rule with ct or NAT, or one with notrack)"
      : `a rule with notrack keeps it out of ${tracks.join(", ")}, where others are tracked, or what was told there of it was missed`;
  const [first] = tracks;
  const table = `conntrack -L -p ${row.protocol} --dport ${row.to.port}`;
  const help = first === undefined ? rules : `${inNamed(first, table)}  (is it there now?); if it is not: ${rules}`;
  if (isDatagram(row.protocol) && (senders.from !== undefined || senders.to !== undefined)) {
    const ways = senders.from !== undefined && senders.to !== undefined ? "both ways" : "one way";
    return [`conntrack works, but told of no such flow, though the trace saw datagrams go ${ways}: ${untracked}`, help];
  }
  const otherwise = isOver(row)
    ? "or it was over before we looked"
    : "or it has been silent since before tracking began";
  const open = isOver(row) ? "" : ", though it is open";
  return [`conntrack works, but told of no such flow${open}: ${untracked}, ${otherwise}`, help];
}

/** Its flows are counted by client and server, and none is kept: the row is of its sockets. */
export function isCounted({ protocol, to }: ConnectionJson): boolean {
  return protocol === "udp" && COUNTED_UDP_PORTS.includes(to.port);
}

function countedText(row: ConnectionJson, seen: FactCollector): readonly [text: string, help: string] {
  const [place] = trackingOnTheWay(row, seen.found, seen.tracking);
  const table = `conntrack -L -p udp --dport ${row.to.port}`;
  const text = `lookups of names are counted, not kept: what conntrack tells of UDP to port ${row.to.port} is summed up when it was answered or given up, a row for each client and server with a count; this row is of its sockets alone`;
  return [
    text,
    `${place === undefined ? inNamespace(row, table) : inNamed(place, table)}  (the first tuple is of who opened it, the second shows NAT)`,
  ];
}
