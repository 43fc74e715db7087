/** Why no scan had the socket of an end: it was over too soon, has just begun, or is where nobody looked. */
import { placeText } from "@conntrail/model";
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import { TRACE_REASON, traceHelp } from "./reasons.ts";
import { inNamed, lookedInto, namespaceText } from "./row-place.ts";
import { isOver, type ScanFindings } from "./scan-findings.ts";
import { isDatagram } from "./verdicts.ts";

/** The text, and what would help. */
export function unseenSocket(
  row: ConnectionJson,
  side: "from" | "to",
  found: ScanFindings,
  trace: HealthJson["trace"],
): readonly [text: string, help: string | null] {
  const place = placeText(row.protocol, row[side]);
  const isTraced = trace.state !== "off";
  const traced = tracedText(row, trace);
  if (found.scans === 0) {
    const record = "conntrail record keeps them, and conntrail why --replay FILE asks it";
    return [`no scan of the sockets that is kept is of its time; ${traced}`, record];
  }
  if (isOver(row)) {
    const none =
      found.during === 0
        ? `it began and ended between two scans of the sockets${lifeText(row)}`
        : noScan(found, "while it lasted", place);
    return [`${none}; ${traced}`, isTraced ? "--scan-interval 100ms scans oftener" : traceHelp(trace)];
  }
  if (found.during === 0) {
    const text = `it was first seen after the latest scan of the sockets; ${traced}`;
    return [text, "ask again in some seconds: the next scan sees it"];
  }
  const [where, command] = placeAndCommand(row, side, found);
  const isUdp = isDatagram(row.protocol);
  const kept = isUdp
    ? "a UDP flow has no end, and conntrack keeps it for a while after its last datagram (nf_conntrack_udp_timeout), so that its socket may be gone"
    : "it ended there without conntrack's hearing of it, or its socket is where scans do not reach";
  const text = `${noScan(found, "since it was first seen", place)}, though it is still told as ${row.state}; ${where}; ${traced}: ${kept}`;
  const none = isUdp ? "no socket there: the flow is over" : "no socket there: only conntrack still has it";
  return [text, `${command}  (${none})`];
}

/** Where was looked, and how to look there. */
function placeAndCommand(row: ConnectionJson, side: "from" | "to", found: ScanFindings): readonly [string, string] {
  const { address, port } = row[side];
  const homes = found.homes(address);
  const command = `ss ${isDatagram(row.protocol) ? "-uanp" : "-tanp"} 'sport = :${port}'`;
  const home = homes.length === 1 ? homes[0]! : undefined;
  const whose =
    homes.length === 0
      ? `none of them has the address ${address}`
      : `${homes.map(({ netns }) => namespaceText(found, netns)).join(", ")} ${homes.length === 1 ? "has" : "have"} the address`;
  return [`looked into: ${lookedInto(found)}; ${whose}`, inNamed(home?.name, command)];
}

function noScan({ during }: ScanFindings, when: string, place: string): string {
  if (during === 1) return `the one scan of the sockets ${when} had no socket with the end ${place}`;
  return `none of the ${during} scans of the sockets ${when} had a socket with the end ${place}`;
}

/** How long it lasted, where both moments are told. */
function lifeText({ firstSeen, lastSeen }: ConnectionJson): string {
  if (firstSeen === null || lastSeen === null) return "";
  return ` (${Math.max(0, Date.parse(lastSeen) - Date.parse(firstSeen))} ms)`;
}

function tracedText(row: ConnectionJson, { state, reason }: HealthJson["trace"]): string {
  if (state === "off") return reason === null ? "nobody traced who opens and closes" : TRACE_REASON[reason];
  if (isDatagram(row.protocol)) return "the trace saw nobody send from there";
  return isOver(row) ? "the trace saw nobody open or close it" : "the trace saw nobody open it";
}
